import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { authenticatePartner } from '../db/authenticate-partner';
import { connectionApiKeys } from '../db/connection-keys';
import { connectionByKey, createConnection, updateConnection } from '../db/connections';
import type { Office } from '../db/office';
import { agentSecretOf } from '../db/partner-secrets';
import { createPartner, partnerByPrefix, updatePartner } from '../db/partners';
import { findOrCreatePlayer } from '../db/players';
import { assert } from '../lib/assert';

const DEMO_PREFIX = 'DEMO';
const CONNECTION_KEY = 'sandbox';
/** The player the sandbox casino signs in as. */
const DEMO_PLAYER = 'demo1';
/** Our number at the sandbox provider; any would do. */
const CONNECTION_PARTNER_ID = '1001';

const demoSchema = z.object({
  api: z.string(),
  partner: z.object({
    prefix: z.string(),
    api_key: z.string(),
    agent_secret: z.string(),
    wallet_url: z.string(),
  }),
  connection: z.object({
    key: z.string(),
    callback_base: z.string(),
    api_key: z.string(),
    partner_id: z.string(),
  }),
  storefront: z.string(),
  temporal_ui: z.string(),
});

/** The content of `demo.json` (SPEC §6): everything a script needs to play against the stack. */
export type Demo = z.output<typeof demoSchema>;

export interface SeedOptions {
  readonly office: Office;
  /** The `demo.json` of an earlier start, which alone knows the partner's API key. */
  readonly demoFile: string;
  readonly api: string;
  readonly provider: string;
  readonly walletUrl: string;
  readonly currency: string;
  readonly storefront: string;
  readonly temporalUi: string;
  readonly report: (line: string) => void;
}

/**
 * Makes the demo partner and the connection to the sandbox provider, or brings those of an earlier start
 * up to date with today's ports. Nothing is made twice.
 */
export async function seedDemo(options: SeedOptions): Promise<Demo> {
  const partner = await demoPartner(options);
  const connection = await demoConnection(options);
  const known = await partnerByPrefix(options.office.pool, partner.prefix);
  assert(known, 'the demo partner was just made or found');
  await findOrCreatePlayer(options.office.pool, known, DEMO_PLAYER);
  return {
    api: options.api,
    partner: {
      prefix: partner.prefix,
      api_key: partner.apiKey,
      agent_secret: partner.agentSecret,
      wallet_url: options.walletUrl,
    },
    connection: {
      key: CONNECTION_KEY,
      callback_base: `${options.api}/providers/${CONNECTION_KEY}`,
      api_key: connection.apiKey,
      partner_id: CONNECTION_PARTNER_ID,
    },
    storefront: options.storefront,
    temporal_ui: options.temporalUi,
  };
}

interface DemoPartner {
  readonly prefix: string;
  readonly apiKey: string;
  readonly agentSecret: string;
}

async function demoPartner(options: SeedOptions): Promise<DemoPartner> {
  const { office, walletUrl, currency, report } = options;
  const { pool, vault } = office;
  const earlier = readDemo(options.demoFile);
  const known = earlier && (await authenticatePartner(pool, vault, earlier.partner.api_key));
  if (earlier && known && known.partner.prefix === earlier.partner.prefix) {
    const { partner } = known;
    if (partner.walletUrl !== walletUrl) await updatePartner(office, partner.prefix, { walletUrl });
    const agentSecret = await agentSecretOf(pool, vault, partner.id);
    assert(agentSecret !== undefined, 'a partner always has a secret');
    return { prefix: partner.prefix, apiKey: earlier.partner.api_key, agentSecret };
  }
  // The book keeps digests of keys only: a demo partner whose key nobody has any more cannot be used.
  let prefix = DEMO_PREFIX;
  for (let number = 2; (await partnerByPrefix(pool, prefix)) !== undefined; number++) {
    prefix = `${DEMO_PREFIX}${String(number)}`;
  }
  if (prefix !== DEMO_PREFIX) {
    report(`the API key of the earlier demo partner is not known here: made partner ${prefix}`);
  }
  return createPartner(office, { prefix, currency, walletUrl });
}

async function demoConnection(options: SeedOptions): Promise<{ apiKey: string }> {
  const { office, provider } = options;
  const { pool, vault } = office;
  const existing = await connectionByKey(pool, CONNECTION_KEY);
  if (existing === undefined) {
    const apiKey = randomBytes(24).toString('base64url');
    await createConnection(office, {
      key: CONNECTION_KEY,
      dialect: 'web-games',
      baseUrl: provider,
      partnerId: CONNECTION_PARTNER_ID,
      apiKey,
    });
    return { apiKey };
  }
  if (existing.baseUrl !== provider || existing.partnerId !== CONNECTION_PARTNER_ID) {
    await updateConnection(office, CONNECTION_KEY, {
      baseUrl: provider,
      partnerId: CONNECTION_PARTNER_ID,
    });
  }
  const [newest] = await connectionApiKeys(pool, vault, existing.id);
  assert(newest, 'a connection always has a key');
  return { apiKey: newest.apiKey };
}

/** The `demo.json` of an earlier start; undefined when there is none or it cannot be read. */
export function readDemo(path: string): Demo | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return demoSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
