import type { Pool, PoolClient } from 'pg';
import { assert } from '../lib/assert';
import type { Connection } from './connections';
import type { Partner } from './partners';
import type { Db } from './pool';
import { transaction } from './transaction';

/** What the partner document calls a game provider: a class of games of one connection. */
export interface Product {
  readonly id: number;
  readonly connectionId: number;
  readonly connectionKey: string;
  /** The provider's own name of it. */
  readonly className: string;
  /** Ours, unique in the installation and never changed. */
  readonly providerName: string;
  /** Absolute URL, or null when none of its games has an icon. */
  readonly image: string | null;
  readonly isActive: boolean;
}

export interface Game {
  readonly connectionId: number;
  readonly gameId: string;
  readonly productId: number;
  readonly providerName: string;
  readonly title: string;
  readonly iconUrl: string | null;
  readonly launchPath: string;
  readonly isActive: boolean;
}

/** A game as a provider's catalogue lists it, its URLs already absolute where we need them so. */
export interface CatalogueGame {
  readonly gameId: string;
  readonly title: string;
  readonly className: string;
  /** Absolute, or null. */
  readonly iconUrl: string | null;
  /** As the provider gave it: where a game is opened. */
  readonly launchPath: string;
}

/** What a new catalogue changed: numbers of games, and the products seen for the first time. */
export interface CatalogueChange {
  readonly total: number;
  readonly added: number;
  readonly returned: number;
  readonly vanished: number;
  readonly newProducts: readonly string[];
}

/** Any constant: product names are given one connection at a time, because they are unique among all. */
const NAMING_LOCK = 7_685_421_307;

/**
 * Takes over a connection's catalogue whole, in one transaction. Games that are no longer listed are
 * switched off, never deleted; they are switched on again when they come back.
 *
 * @param games each gameId once
 */
export async function applyCatalogue(
  pool: Pool,
  connection: Pick<Connection, 'id' | 'key'>,
  games: readonly CatalogueGame[],
): Promise<CatalogueChange> {
  return transaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [NAMING_LOCK]);
    const before = await gameStates(client, connection.id);
    const products = await ensureProducts(client, connection, games);
    await upsertGames(client, connection.id, games, products.idByClass);
    const listed = games.map((game) => game.gameId);
    const { rowCount } = await client.query(
      `UPDATE games SET is_active = false
       WHERE connection_id = $1 AND is_active AND NOT (game_id = ANY ($2::text[]))`,
      [connection.id, listed],
    );
    await refreshProducts(client, connection.id);
    await client.query(
      'UPDATE connections SET catalogue_synced_at = now(), catalogue_error = NULL WHERE id = $1',
      [connection.id],
    );
    return {
      total: games.length,
      added: listed.filter((id) => !before.has(id)).length,
      returned: listed.filter((id) => before.get(id) === false).length,
      vanished: rowCount ?? 0,
      newProducts: products.created,
    };
  });
}

/** The products a partner may offer now: active, of an active connection, and on its list if it has one. */
export async function productsFor(db: Db, partner: Pick<Partner, 'settings'>): Promise<Product[]> {
  const { rows } = await db.query<ProductRow>({
    name: 'products-for',
    text: `SELECT ${PRODUCT_COLUMNS} FROM products pr JOIN connections c ON c.id = pr.connection_id
           WHERE pr.is_active AND c.status = 'active'
             AND ($1::text[] IS NULL OR pr.provider_name = ANY ($1))
           ORDER BY pr.provider_name`,
    values: [partner.settings.products],
  });
  return rows.map(productOfRow);
}

/**
 * A product a partner may name, also when all its games have vanished; undefined when it is unknown, of a
 * suspended connection, or not on the partner's list.
 */
export async function productByName(
  db: Db,
  partner: Pick<Partner, 'settings'>,
  providerName: string,
): Promise<Product | undefined> {
  const { rows } = await db.query<ProductRow>({
    name: 'product-by-name',
    text: `SELECT ${PRODUCT_COLUMNS} FROM products pr JOIN connections c ON c.id = pr.connection_id
           WHERE pr.provider_name = $2 AND c.status = 'active'
             AND ($1::text[] IS NULL OR pr.provider_name = ANY ($1))`,
    values: [partner.settings.products, providerName],
  });
  return rows[0] && productOfRow(rows[0]);
}

export async function productById(db: Db, productId: number): Promise<Product | undefined> {
  const { rows } = await db.query<ProductRow>(
    `SELECT ${PRODUCT_COLUMNS} FROM products pr JOIN connections c ON c.id = pr.connection_id
     WHERE pr.id = $1`,
    [productId],
  );
  return rows[0] && productOfRow(rows[0]);
}

/** Every game a product ever had, by title; vanished ones are there with `isActive` false. */
export async function gamesOf(db: Db, product: Pick<Product, 'id'>): Promise<Game[]> {
  const { rows } = await db.query<GameRow>({
    name: 'games-of',
    text: `SELECT ${GAME_COLUMNS} FROM games g JOIN products pr ON pr.id = g.product_id
           WHERE g.product_id = $1 ORDER BY g.title, g.game_id`,
    values: [product.id],
  });
  return rows.map(gameOfRow);
}

/** A game of a connection, active or not; undefined when its catalogue never had it. */
export async function gameOf(
  db: Db,
  connection: Pick<Connection, 'id'>,
  gameId: string,
): Promise<Game | undefined> {
  const { rows } = await db.query<GameRow>({
    name: 'game-of',
    text: `SELECT ${GAME_COLUMNS} FROM games g JOIN products pr ON pr.id = g.product_id
           WHERE g.connection_id = $1 AND g.game_id = $2`,
    values: [connection.id, gameId],
  });
  return rows[0] && gameOfRow(rows[0]);
}

async function gameStates(client: PoolClient, connectionId: number): Promise<Map<string, boolean>> {
  const { rows } = await client.query<{ game_id: string; is_active: boolean }>(
    'SELECT game_id, is_active FROM games WHERE connection_id = $1 FOR UPDATE',
    [connectionId],
  );
  return new Map(rows.map((row) => [row.game_id, row.is_active]));
}

async function ensureProducts(
  client: PoolClient,
  connection: Pick<Connection, 'id' | 'key'>,
  games: readonly CatalogueGame[],
): Promise<{ idByClass: Map<string, number>; created: string[] }> {
  const { rows } = await client.query<{ id: number; class: string }>(
    'SELECT id, class FROM products WHERE connection_id = $1',
    [connection.id],
  );
  const idByClass = new Map(rows.map((row) => [row.class, row.id]));
  const created: string[] = [];
  for (const className of new Set(games.map((game) => game.className))) {
    if (idByClass.has(className)) continue;
    const providerName = await freeProviderName(client, className, connection.key);
    const inserted = await client.query<{ id: number }>(
      'INSERT INTO products (connection_id, class, provider_name) VALUES ($1, $2, $3) RETURNING id',
      [connection.id, className, providerName],
    );
    const id = inserted.rows[0]?.id;
    assert(id !== undefined, 'an inserted product has an id');
    idByClass.set(className, id);
    created.push(providerName);
  }
  return { idByClass, created };
}

// The class's own name, or with the connection behind it when another product has that name already. A
// class may itself be called like that, hence the loop; every turn makes a longer name, so it ends.
async function freeProviderName(
  client: PoolClient,
  className: string,
  connectionKey: string,
): Promise<string> {
  let name = className;
  for (;;) {
    const { rows } = await client.query('SELECT 1 FROM products WHERE provider_name = $1', [name]);
    if (rows.length === 0) return name;
    name = `${name} (${connectionKey})`;
  }
}

// One statement for all games: catalogues have thousands, and each round trip would hold the locks.
async function upsertGames(
  client: PoolClient,
  connectionId: number,
  games: readonly CatalogueGame[],
  idByClass: ReadonlyMap<string, number>,
): Promise<void> {
  await client.query(
    `INSERT INTO games (connection_id, game_id, product_id, title, icon_url, launch_path)
     SELECT $1, listed.* FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[]) AS listed
     ON CONFLICT (connection_id, game_id) DO UPDATE SET
       product_id = excluded.product_id, title = excluded.title, icon_url = excluded.icon_url,
       launch_path = excluded.launch_path, is_active = true, seen_at = now()`,
    [
      connectionId,
      games.map((game) => game.gameId),
      games.map((game) => idByClass.get(game.className)),
      games.map((game) => game.title),
      games.map((game) => game.iconUrl),
      games.map((game) => game.launchPath),
    ],
  );
}

// A product is active while any of its games is; its picture is that of its first active game.
async function refreshProducts(client: PoolClient, connectionId: number): Promise<void> {
  await client.query(
    `UPDATE products pr SET is_active = first.game_id IS NOT NULL,
       image = coalesce(first.icon_url, pr.image)
     FROM products p LEFT JOIN LATERAL (
       SELECT g.game_id, g.icon_url FROM games g WHERE g.product_id = p.id AND g.is_active
       ORDER BY g.icon_url IS NULL, g.title, g.game_id LIMIT 1
     ) AS first ON true
     WHERE p.id = pr.id AND pr.connection_id = $1`,
    [connectionId],
  );
}

const PRODUCT_COLUMNS = `pr.id, pr.connection_id, c.key AS connection_key, pr.class, pr.provider_name,
  pr.image, pr.is_active`;

interface ProductRow {
  readonly id: number;
  readonly connection_id: number;
  readonly connection_key: string;
  readonly class: string;
  readonly provider_name: string;
  readonly image: string | null;
  readonly is_active: boolean;
}

function productOfRow(row: ProductRow): Product {
  return {
    id: row.id,
    connectionId: row.connection_id,
    connectionKey: row.connection_key,
    className: row.class,
    providerName: row.provider_name,
    image: row.image,
    isActive: row.is_active,
  };
}

const GAME_COLUMNS = `g.connection_id, g.game_id, g.product_id, pr.provider_name, g.title, g.icon_url,
  g.launch_path, g.is_active`;

interface GameRow {
  readonly connection_id: number;
  readonly game_id: string;
  readonly product_id: number;
  readonly provider_name: string;
  readonly title: string;
  readonly icon_url: string | null;
  readonly launch_path: string;
  readonly is_active: boolean;
}

function gameOfRow(row: GameRow): Game {
  return {
    connectionId: row.connection_id,
    gameId: row.game_id,
    productId: row.product_id,
    providerName: row.provider_name,
    title: row.title,
    iconUrl: row.icon_url,
    launchPath: row.launch_path,
    isActive: row.is_active,
  };
}
