/** Why the aggregator gave no usable answer; `publicText` may be shown to the player. */
export class RoundhouseError extends Error {
  override name = 'RoundhouseError';
  constructor(
    readonly publicText: string,
    options?: ErrorOptions,
  ) {
    super(publicText, options);
  }
}

export interface Product {
  readonly providerName: string;
  readonly displayName: string;
  readonly image: string;
}

export interface Game {
  readonly gameId: string;
  readonly name: string;
  readonly image: string;
  readonly isActive: boolean;
}

export interface OpenGame {
  readonly userAgent: string;
  readonly gameProvider: string;
  /** `0` is the product's lobby. */
  readonly gameId: string;
  readonly redirectUrl?: string;
  readonly mobile: boolean;
}

export interface RoundhouseClient {
  /** @returns the player's handle, `<prefix>.<reference>` */
  createUser(reference: string): Promise<string>;
  products(): Promise<Product[]>;
  games(providerName: string): Promise<Game[]>;
  /** @returns the launch URL */
  openGame(wanted: OpenGame): Promise<string>;
  /** @returns the round page's URL, or undefined when the aggregator does not know the bet */
  betPage(betId: string): Promise<string | undefined>;
}

/** A player looks at an empty page meanwhile; longer than any healthy answer takes. */
const CALL_TIMEOUT_MS = 8_000;
/** A catalogue of thousands of games fits; anything larger is not a catalogue. */
const REPLY_MAX_BYTES = 4 * 1024 * 1024;

/** Where the aggregator is, and who calls it. */
interface Account {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly prefix: string;
}

type Row = Record<string, unknown>;

/**
 * The casino's side of the partner document's API.
 *
 * @throws RoundhouseError (from every method) when the aggregator is away, slow, or answers something else than
 *   the document says
 */
export function createRoundhouseClient(deps: Account): RoundhouseClient {
  const call = createCaller(deps);
  return {
    async createUser(reference) {
      return required(
        rowOf(await call('POST', '/create-user', { user_agent: reference })),
        'user_agent',
      );
    },
    async products() {
      return rowsOf(await call('GET', '/game/provider')).map((row) => {
        const providerName = required(row, 'provider_name');
        return {
          providerName,
          displayName: textOf(row, 'display_name') || providerName,
          image: textOf(row, 'image'),
        };
      });
    },
    async games(providerName) {
      const list = rowOf(await call('POST', '/game/list', { game_provider: providerName }));
      return rowsOf(list.items).map((row) => ({
        gameId: required(row, 'game_id'),
        name: textOf(row, 'game_name'),
        image: textOf(row, 'game_image'),
        isActive: row.is_active !== false,
      }));
    },
    async openGame(wanted) {
      const opened = rowOf(
        await call('POST', '/game/open-game', {
          user_agent: wanted.userAgent,
          game_provider: wanted.gameProvider,
          game_id: wanted.gameId,
          ...(wanted.redirectUrl === undefined ? {} : { redirect_url: wanted.redirectUrl }),
          mobile: wanted.mobile,
        }),
      );
      return webAddress(required(opened, 'url'));
    },
    async betPage(betId) {
      const found = rowOf(await call('POST', '/bet-history/report/detail-bet', { bet_id: betId }));
      return found.status === true ? webAddress(required(found, 'item')) : undefined;
    },
  };
}

function createCaller(deps: Account) {
  return async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${deps.apiUrl.replace(/\/+$/, '')}${path}`, {
        method,
        headers: {
          'x-api-key': deps.apiKey,
          'x-api-prefix': deps.prefix,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        redirect: 'error',
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      text = await readCapped(response);
    } catch (error) {
      if (error instanceof RoundhouseError) throw error;
      throw new RoundhouseError('The game service does not answer.', { cause: error });
    }
    const answer = parseJson(text);
    if (response.ok && answer !== undefined) return answer;
    const reason = textOf(rowOf(answer), 'error');
    throw new RoundhouseError(
      `The game service answered ${response.status}${reason ? `: ${reason}` : '.'}`,
    );
  };
}

async function readCapped(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    size += bytes.length;
    if (size > REPLY_MAX_BYTES) throw new RoundhouseError('The game service answered too much.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function rowOf(value: unknown): Row {
  return typeof value === 'object' && value !== null ? (value as Row) : {};
}

function rowsOf(value: unknown): Row[] {
  if (!Array.isArray(value)) throw new RoundhouseError('The game service answered without a list.');
  return value.map(rowOf);
}

function textOf(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : '';
}

function required(row: Row, name: string): string {
  const text = textOf(row, name);
  if (text === '') throw new RoundhouseError(`The game service answered without ${name}.`);
  return text;
}

// The browser is sent there: an address of another scheme could run a script.
function webAddress(text: string): string {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw new RoundhouseError('The game service answered with an address that is none.');
}
