// A process of its own, because Node reads its proxy variables once, at the start: makes one wallet call and one
// of the catalogue to each URL it is given, and prints what became of them. `control` asks by a client that does
// believe the environment.
import { EnvHttpProxyAgent, request } from 'undici';
import { createEgressGuard } from '../../src/lib/egress';
import { createLogger } from '../../src/lib/log';
import { createWalletClient } from '../../src/protocols/seamless-wallet/client';
import { createReplyProfile } from '../../src/protocols/seamless-wallet/reply-classifier';
import { fetchCatalogue } from '../../src/protocols/web-games/client';

const TIMEOUT_MS = 10_000;

async function main([control, ...urls]: string[]): Promise<void> {
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const results: string[] = [];
  for (const url of urls) {
    const wallet = createWalletClient({
      walletUrl: url,
      agentSecret: () => 'example-agent-secret',
      attemptTimeoutMs: TIMEOUT_MS,
      maxInFlight: 1,
      egress,
      profile: createReplyProfile({
        replyTexts: { funds: [], blocked: [], player_not_found: [], duplicate: [] },
        duplicateMeansDone: false,
      }),
      log: createLogger('test', 'silent'),
    });
    const { outcome } = await wallet.balance('LAG1.p1');
    const catalogue = await fetchCatalogue({
      baseUrl: url,
      partnerId: '7',
      apiKey: 'secret',
      egress,
      timeoutMs: TIMEOUT_MS,
    });
    results.push(outcome.kind, String(catalogue.ok));
    await wallet.close();
  }
  await request(String(control), { dispatcher: new EnvHttpProxyAgent() }).catch(() => undefined);
  process.stdout.write(JSON.stringify(results));
}

void main(process.argv.slice(2)).then(() => process.exit(0));
