import type { EgressGuard } from '../../lib/egress';
import { createHttpClient } from '../../lib/http-client';
import {
  fieldOf,
  isJsonObject,
  parseLosslessJson,
  scalarText,
  type LosslessJson,
} from '../../lib/json';
import { signatureOf } from './signature';

/** A catalogue of some ten thousand games stays far below. */
const CATALOGUE_CAP_BYTES = 8 * 1024 * 1024;
const TITLE_LENGTH_MAX = 200;
const URL_LENGTH_MAX = 2_048;

/** One game of GetListGames (provider document, section 1). */
export interface CatalogueGame {
  /** Canonical integer as text. */
  readonly id: string;
  readonly title: string;
  /** Where it is launched, as the provider wrote it (`/game`); for `gameUrl`. */
  readonly url: string;
  /** Absolute http(s) URL; empty when the provider names none that can be used. */
  readonly icon: string;
  /** The product of the partner document (SPEC §2). */
  readonly class: string;
}

export type Catalogue =
  | { readonly ok: true; readonly games: readonly CatalogueGame[] }
  /** `code` when the provider answered with one. The last good catalogue stays in force. */
  | { readonly ok: false; readonly code?: string; readonly text: string };

export interface CatalogueRequest {
  readonly baseUrl: string;
  readonly partnerId: string;
  readonly apiKey: string;
  readonly egress: EgressGuard;
  readonly timeoutMs: number;
  readonly replyCapBytes?: number;
}

/**
 * GET /GetListGames. Never throws for any answer; all or nothing: one broken or doubled entry
 * refuses the whole list, because a game missing from it would be taken as withdrawn.
 */
export async function fetchCatalogue(request: CatalogueRequest): Promise<Catalogue> {
  const { partnerId, baseUrl, timeoutMs } = request;
  const type = 'web_slot';
  const url = serviceUrl(baseUrl, '/GetListGames');
  url.searchParams.set('partner_id', partnerId);
  url.searchParams.set('type', type);
  url.searchParams.set('hash', signatureOf('GetListGames', [partnerId, type], request.apiKey));
  const http = createHttpClient({
    egress: request.egress,
    connections: 1,
    replyCapBytes: request.replyCapBytes ?? CATALOGUE_CAP_BYTES,
    connectTimeoutMs: timeoutMs,
  });
  try {
    const result = await http.exchange({ method: 'GET', url, timeoutMs });
    if (result.kind !== 'answered') return { ok: false, text: result.text };
    if (result.status !== 200) return { ok: false, text: `HTTP ${result.status}` };
    return readCatalogue(result.body.toString('utf8'), baseUrl);
  } finally {
    await http.close();
  }
}

/** Reads the answer of GetListGames; icons become absolute against the connection's base URL. */
export function readCatalogue(bodyText: string, baseUrl: string): Catalogue {
  let body: LosslessJson;
  try {
    body = parseLosslessJson(bodyText);
  } catch {
    return { ok: false, text: 'the catalogue is not JSON' };
  }
  if (!isJsonObject(body)) return { ok: false, text: 'the catalogue is no JSON object' };
  const code = scalarText(fieldOf(body, 'code'));
  if (code !== '0') {
    const text = `the provider answered code ${(code ?? 'none').slice(0, 20)}`;
    return { ok: false, ...(code !== undefined && { code }), text };
  }
  const list = fieldOf(body, 'games');
  if (!Array.isArray(list)) return { ok: false, text: 'the catalogue has no list of games' };
  const games = new Map<string, CatalogueGame>();
  for (const [index, entry] of list.entries()) {
    const game = readGame(entry, baseUrl);
    if (typeof game === 'string') return { ok: false, text: `game ${index + 1}: ${game}` };
    if (games.has(game.id)) return { ok: false, text: `game id ${game.id} is listed twice` };
    games.set(game.id, game);
  }
  return { ok: true, games: [...games.values()] };
}

/** A game, or what is wrong with the entry. */
function readGame(entry: LosslessJson, baseUrl: string): CatalogueGame | string {
  if (!isJsonObject(entry)) return 'is no object';
  const id = scalarText(fieldOf(entry, 'id'));
  if (id === undefined || !/^(?:0|-?[1-9]\d{0,18})$/.test(id)) return 'id is no whole number';
  const title = textOf(entry, 'title');
  if (title === undefined) return 'title is missing or too long';
  const className = textOf(entry, 'class');
  if (className === undefined) return 'class is missing or too long';
  const url = fieldOf(entry, 'url');
  if (typeof url !== 'string' || url.length > URL_LENGTH_MAX || !resolved(baseUrl, url)) {
    return 'url cannot be used';
  }
  const icon = fieldOf(entry, 'icon');
  const iconUrl =
    typeof icon === 'string' && icon !== '' && icon.length <= URL_LENGTH_MAX
      ? resolved(baseUrl, icon)
      : undefined;
  return { id, title, url, icon: iconUrl?.href ?? '', class: className };
}

function textOf(entry: { [key: string]: LosslessJson }, name: string): string | undefined {
  const value = fieldOf(entry, name);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > TITLE_LENGTH_MAX ? undefined : text;
}

export interface GameUrlInput {
  readonly baseUrl: string;
  readonly partnerId: string;
  /** The catalogue's `url` of this game; `/game` when absent. */
  readonly gamePath?: string;
  readonly gameId: string;
  readonly language?: string;
  /** The provider's own code, case-sensitive; `DMO` is demo mode. */
  readonly currency: string;
  /** Real-money mode only, both or none. */
  readonly playerId?: string;
  readonly token?: string;
}

/** The provider's page of a game (provider document, section 2); parameter names are case-sensitive. */
export function gameUrl(input: GameUrlInput): string {
  const url =
    resolved(input.baseUrl, input.gamePath ?? '/game') ?? serviceUrl(input.baseUrl, '/game');
  const parameters: readonly (readonly [string, string | undefined])[] = [
    ['partner_id', input.partnerId],
    ['player_id', input.playerId],
    ['game_id', input.gameId],
    ['language', input.language],
    ['currency', input.currency],
    ['token', input.token],
  ];
  for (const [name, value] of parameters)
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Paths of the service begin at its base URL, also where that has a path of its own. */
function serviceUrl(baseUrl: string, path: string): URL {
  return new URL(baseUrl.replace(/\/+$/, '') + path);
}

/** Names and addresses as real ones are: URLs also take `;`, `,`, `'` and `*`, which mean something in a page's policy. */
const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/;

/** Resolves what the catalogue says; only http(s), and never from https down to http. */
function resolved(baseUrl: string, text: string): URL | undefined {
  const base = baseUrl.replace(/\/+$/, '');
  const isPath = text.startsWith('/') && !/^\/[/\\]/.test(text);
  const absolute = isPath ? base + text : text;
  if (!URL.canParse(absolute, `${base}/`)) return undefined;
  const url = new URL(absolute, `${base}/`);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  if (!isWeb || !HOST.test(url.hostname)) return undefined;
  if (base.startsWith('https:') && url.protocol !== 'https:') return undefined;
  return url;
}
