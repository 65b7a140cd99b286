import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { assert } from '../../src/lib/assert';
import { startTwoTenants, type SeenAnswer, type TwoTenants } from '../support/two-tenants';

/**
 * Row S19. Every id of partner A is tried with B's key wherever the partner API takes a value, as the running
 * app's own OpenAPI lists it: an endpoint or a field that is added is tried by itself. It holds when the
 * answer is that of an id nobody has, when no word of A's is in it, and when A's rows are what they were.
 *
 * `provider_name` and `game_id` are names of one catalogue that all partners share by design (SPEC §3). Where
 * a partner has a product list, as both have here, the rest of the catalogue is not there for it.
 */

interface Field {
  readonly name: string;
  readonly in: 'body' | 'query' | 'path' | 'header';
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly kinds: readonly string[];
  readonly fields: readonly Field[];
}

interface Document {
  readonly paths: Record<string, Record<string, DocumentedOperation>>;
}
interface DocumentedOperation {
  /** Empty where nobody has to say who they are. */
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Field[];
  readonly requestBody?: {
    readonly content: Record<string, { schema: { properties: Record<string, unknown> } }>;
  };
}

type Values = Readonly<Record<string, string>>;

const FORM = 'application/x-www-form-urlencoded';

let world: TwoTenants;
let operations: readonly Operation[];
let before: string;

beforeAll(async () => {
  world = await startTwoTenants();
  operations = await operationsOf(world);
  before = await world.stateOfA();
});
afterAll(() => world?.close());
afterEach(async () => assert((await world.stateOfA()) === before, 'the rows of A have changed'));

async function operationsOf({ ask }: TwoTenants): Promise<Operation[]> {
  const document = JSON.parse((await ask('', 'GET', '/docs/json')).text) as Document;
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security, parameters = [], requestBody }]) => {
      if (security?.length === 0) return [];
      const content = Object.entries(requestBody?.content ?? {});
      const names = new Set(content.flatMap(([, { schema }]) => Object.keys(schema.properties)));
      const inBody = [...names].map((name): Field => ({ name, in: 'body' }));
      const kinds = content.map(([kind]) => kind);
      return [{ method: method.toUpperCase(), path, kinds, fields: [...parameters, ...inBody] }];
    }),
  );
}

/** What B would send: its own, so that a single foreign value is the only thing wrong with a request. */
function ownValues({ path, fields }: Operation): Values {
  const { b } = world;
  const own: Values = {
    user_agent: path === '/create-user' ? b.reference : b.userAgent,
    game_provider: b.product,
    game_id: b.gameId,
    bet_id: b.betId,
  };
  return Object.fromEntries(
    fields.flatMap(({ name }) => (own[name] === undefined ? [] : [[name, own[name]]])),
  );
}

async function send(operation: Operation, kind: string, values: Values): Promise<SeenAnswer> {
  const of = (place: Field['in']) =>
    operation.fields.filter((field) => field.in === place && values[field.name] !== undefined);
  const valuesIn = (place: Field['in']) =>
    Object.fromEntries(of(place).map(({ name }) => [name, values[name] ?? '']));
  let path = operation.path;
  for (const { name } of of('path')) {
    path = path.replace(`{${name}}`, encodeURIComponent(values[name] ?? ''));
  }
  const query = new URLSearchParams(valuesIn('query')).toString();
  const body = valuesIn('body');
  return world.ask(
    world.b.apiKey,
    operation.method,
    query === '' ? path : `${path}?${query}`,
    operation.kinds.length === 0
      ? { headers: valuesIn('header') }
      : {
          headers: { ...valuesIn('header'), 'content-type': kind },
          body: kind === FORM ? new URLSearchParams(body).toString() : JSON.stringify(body),
        },
  );
}

/** A text of the same kind that names nobody: letters for letters, digits for digits. */
function nobodys(id: string): string {
  const other = (characters: string) => (character: string) => {
    const left = characters.replace(character, '');
    return left.charAt(randomBytes(1).readUInt8() % left.length);
  };
  const betId = /[0-9a-f]{24}/.exec(id)?.[0];
  if (betId !== undefined) return id.replace(betId, randomBytes(12).toString('hex'));
  return id
    .replace(/[1-9]/g, other('123456789'))
    .replace(/[a-z]/gi, (letter) =>
      letter === letter.toLowerCase()
        ? other('abcdefghijklmnopqrstuvwxyz')(letter)
        : other('ABCDEFGHIJKLMNOPQRSTUVWXYZ')(letter),
    );
}

/** The answer without what is new in every answer, and without the values that were sent. */
function told(answer: SeenAnswer, sent: Values): SeenAnswer {
  let { text } = answer;
  // Longest first: a handle contains its reference.
  for (const value of Object.values(sent).sort((a, b) => b.length - a.length)) {
    text = text.replaceAll(JSON.stringify(value).slice(1, -1), '<sent>');
  }
  text = text.replace(/(token|expires)=[^"\\]+/g, '$1=<new>');
  return { status: answer.status, text };
}

function expectNothingOfA({ text }: SeenAnswer): void {
  for (const [what, id] of Object.entries(world.idsOfA)) {
    if (text.includes(id)) throw new Error(`${what} of A is told: ${text}`);
  }
}

async function expectTheSame(operation: Operation, kind: string, foreign: Values, nobody: Values) {
  const own = ownValues(operation);
  const answer = told(await send(operation, kind, { ...own, ...foreign }), foreign);
  expect(answer).toEqual(told(await send(operation, kind, { ...own, ...nobody }), nobody));
  expect(answer.status).toBeLessThan(500);
  expectNothingOfA(answer);
}

test("an id of another partner's is nobody's id, in every field of every endpoint, as JSON and as a form", async () => {
  const tried = new Set<Operation>();
  for (const operation of operations) {
    for (const kind of operation.kinds.length === 0 ? [''] : operation.kinds) {
      for (const { name } of operation.fields) {
        const ids = Object.values(world.idsOfA);
        await Promise.all(
          ids.map((id) => expectTheSame(operation, kind, { [name]: id }, { [name]: nobodys(id) })),
        );
        tried.add(operation);
      }
    }
  }
  expect([...tried]).toEqual(operations);
  expect(operations.length).toBeGreaterThanOrEqual(5);
  const answer = await world.ask(world.b.apiKey, 'GET', '/game/provider');
  expect(answer.status).toBe(200);
  expect(answer.text).toContain(world.b.product);
  expectNothingOfA(answer);
});

test("any mixture of another partner's ids, one's own and none is answered like one of nobody's", async () => {
  const ids = Object.values(world.idsOfA);
  const requests = fc
    .constantFrom(...operations.filter(({ fields }) => fields.length > 0))
    .chain((operation) =>
      fc.record({
        operation: fc.constant(operation),
        kind: fc.constantFrom(...(operation.kinds.length === 0 ? [''] : operation.kinds)),
        foreign: fc.dictionary(
          fc.constantFrom(...operation.fields.map(({ name }) => name)),
          fc.constantFrom(...ids),
          { minKeys: 1 },
        ),
      }),
    );
  await fc.assert(
    fc.asyncProperty(requests, async ({ operation, kind, foreign }) => {
      const nobody = Object.fromEntries(
        Object.entries(foreign).map(([name, id]) => [name, nobodys(id)]),
      );
      await expectTheSame(operation, kind, foreign, nobody);
    }),
    { numRuns: 100 },
  );
});

test("another partner's ids in the query, in headers and in fields nobody reads change no answer", async () => {
  for (const operation of operations) {
    const kind = operation.kinds[0] ?? '';
    const plain = told(await send(operation, kind, ownValues(operation)), {});
    for (const [index, id] of Object.values(world.idsOfA).entries()) {
      const more =
        ['partner_id', 'player_id', 'id', 'user_agent', 'token', 'bet_id'][index % 6] ?? '';
      const field: Field = { name: more, in: index % 2 === 0 ? 'query' : 'header' };
      const fields = [...operation.fields.filter(({ name }) => name !== more), field];
      const values = { ...ownValues(operation), [more]: id };
      if (operation.fields.some(({ name }) => name === more)) continue;
      expect(told(await send({ ...operation, fields }, kind, values), {})).toEqual(plain);
    }
  }
});

test("a key is no partner's in parts: another's prefix, and another's key id before one's own secret", async () => {
  const { a, b, ask, idsOfA } = world;
  const invalid = { status: 401, text: '{"error":"Invalid API key"}' };
  const [, , , secretOfB] = b.apiKey.split('_');
  const spliced = a.apiKey
    .split('_')
    .with(3, secretOfB ?? '')
    .join('_');
  assert(spliced !== a.apiKey && spliced !== b.apiKey, 'keys have a secret of their own');
  for (const { method, path } of operations) {
    // So many wrong keys in a row would shut the address out; a right one starts anew.
    expect(await ask(b.apiKey, 'GET', '/game/provider')).toMatchObject({ status: 200 });
    for (const prefix of ['LAG1', 'ZZZ9']) {
      expect(await ask(b.apiKey, method, path, { headers: { 'x-api-prefix': prefix } })).toEqual(
        invalid,
      );
    }
    for (const key of [spliced, ...Object.values(idsOfA)]) {
      expect(await ask(key, method, path)).toEqual(invalid);
    }
  }
});

test("create-user with another partner's reference makes one's own player", async () => {
  const { a, b, ask, house } = world;
  const body = JSON.stringify({ user_agent: a.reference });
  const { text } = await ask(b.apiKey, 'POST', '/create-user', { body });
  expect(JSON.parse(text)).toEqual({ user_agent: `BET2.${a.reference}` });
  const { rows } = await house.pool.query<{ prefix: string }>(
    `SELECT prefix FROM players JOIN partners p ON p.id = partner_id WHERE reference = $1 ORDER BY 1`,
    [a.reference],
  );
  expect(rows).toEqual([{ prefix: 'BET2' }, { prefix: 'LAG1' }]);
});

test('a result link opens its own bet only, and a changed link tells nothing of whether a bet is there', async () => {
  const { a, b, ask } = world;
  expect((await ask('', 'GET', `${a.link.pathname}${a.link.search}`)).status).toBe(200);
  const unknown = randomBytes(12).toString('hex');
  const pageOf = (betId: string, search: string) => ask('', 'GET', `/rounds/${betId}${search}`);
  const late = new URL(a.link);
  late.searchParams.set('expires', String(Number(a.link.searchParams.get('expires')) + 1));
  const searches = [b.link.search, '', late.search, a.link.search.replace(/.$/, '_')];
  for (const search of searches) {
    const answer = await pageOf(a.betId, search);
    expect(answer).toEqual(await pageOf(unknown, search));
    expect(answer.status).toBe(403);
    expectNothingOfA(answer);
  }
  // A's own permission, for a bet of B's.
  expect((await pageOf(b.betId, a.link.search)).status).toBe(403);
});

test('a changed launch token opens nothing, and a lobby no game of another connection', async () => {
  const { a, b, ask } = world;
  for (const page of ['/launch', '/lobby']) {
    const unknown = await ask('', 'GET', `${page}?token=${nobodys(a.token)}`);
    expect(unknown.status).toBe(404);
    for (const token of [a.token.slice(0, -1), `${a.token}A`, a.token.toUpperCase(), a.betId]) {
      const answer = await ask('', 'GET', `${page}?token=${token}`);
      expect(answer.status).toBe(404);
      expectNothingOfA(answer);
    }
  }
  const open = (gameId: string) =>
    ask('', 'POST', '/lobby/open', {
      body: new URLSearchParams({ token: b.lobbyToken, game_id: gameId }),
    });
  const answer = await open(a.gameId);
  expect(answer).toEqual(await open('990099'));
  expect(answer.status).toBe(404);
  expectNothingOfA(answer);
});
