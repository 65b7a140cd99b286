// npm run bench -- --account: where every millisecond of CPU of a won round goes, by process, by thread and by
// part. See bench/README.md.
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { childEnvironment } from '../src/config/child-environment';
import type { StackHome } from '../src/stack/home';
import { freePorts } from '../src/stack/ports';
import { createRandom } from '../test/chaos/random';
import { accountTables, type Account } from './account-report';
import { createLoadDriver } from './load/play';
import { childrenOf, threadsOf } from './measure/cpu';
import { readThreadProfiles } from './measure/cpu-profile';
import { goParts, takeGoProfile } from './measure/go-profile';
import { createPostgresMeter } from './measure/postgres';
import {
  backendNames,
  countStatementsIn,
  resetStatementTimes,
  statementTimes,
} from './measure/statements';
import { report, runInHome, UsageError } from './run-in-home';
import { setStage, type Stage } from './stage';
import { startRoundhouse } from './start-roundhouse';
import type { Subject } from './subject';
import { compareBooks, playTurn } from './turn';

const USAGE = `npm run bench -- --account [options]
  --temporal KIND      postgres (the real server, which tells its own CPU by package), or dev   (postgres)
  --temporal-server DIR  where the real server's programs are, when they are not to be built
  --in-flight N        rounds in flight, 1 to 32                                   (8)
  --warm-up N          seconds played before: compilers settle                     (20)
  --seconds N          length of the turn that is accounted for                    (30)
  --out FILE           the account is written there, too
  --keep               keep the logs`;

interface AccountOptions {
  readonly temporal: { readonly kind: 'dev' | 'postgres'; readonly dir: string | undefined };
  readonly inFlight: number;
  readonly warmUp: number;
  readonly seconds: number;
  readonly out: string | undefined;
  readonly keep: boolean;
}

function readAccountOptions(args: readonly string[]): AccountOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        account: { type: 'boolean' },
        temporal: { type: 'string', default: 'postgres' },
        'temporal-server': { type: 'string' },
        'in-flight': { type: 'string', default: '8' },
        'warm-up': { type: 'string', default: '20' },
        seconds: { type: 'string', default: '30' },
        out: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    });
    return {
      temporal: {
        kind: values.temporal === 'dev' ? 'dev' : 'postgres',
        dir: values['temporal-server'],
      },
      inFlight: Number(values['in-flight']),
      warmUp: Number(values['warm-up']),
      seconds: Number(values.seconds),
      out: values.out,
      keep: values.keep,
    };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

runInHome(USAGE, readAccountOptions, async (options, home) => {
  const { account, faults } = await take(options, home);
  const text = accountTables(account);
  if (options.out !== undefined) await writeFile(options.out, `${text}\n`);
  return { text, faults };
});

async function take(options: AccountOptions, home: StackHome) {
  const { inFlight, seconds } = options;
  const profileDir = home.path('profiles');
  await mkdir(profileDir, { recursive: true });
  const [port = 0] = await freePorts(1);
  const dir = await home.postgresDir(report);
  await countStatementsIn({ dir, port, logFile: home.logFile('postgres') });
  const path = childEnvironment({}).PATH ?? '';
  const stage = await setStage({ home, seed: 1, path, temporal: options.temporal, report });
  const meter = await createPostgresMeter(stage.postgres.url('postgres'));
  try {
    report('starting roundhouse');
    const subject = await startRoundhouse(stage, profileDir);
    const random = createRandom(1, 'duplicates');
    const driver = createLoadDriver(subject, { duplicates: 0.05, random });
    const seat = { subject, driver };
    const play = (length: number) =>
      playTurn({ stage, meter }, seat, { shape: 'win', inFlight, seconds: length });
    const faults = [...(await play(options.warmUp)).faults];
    report(`${String(seconds)} s are accounted for`);
    const watched = await watch(stage, subject, home, seconds, () => play(seconds));
    faults.push(...watched.turn.faults, ...(await compareBooks(seat)));
    await driver.close();
    // A process writes its profiles at its end.
    await Promise.all(Object.values(subject.processes).map((one) => one.stop('SIGTERM', 20_000)));
    const profiles = readThreadProfiles(profileDir, watched.fromUs, watched.toUs);
    return { account: { ...watched, ...options, profiles }, faults };
  } finally {
    await meter.close();
    await stage.end();
  }
}

async function watch(
  { postgres, temporal }: Stage,
  subject: Subject,
  home: StackHome,
  seconds: number,
  play: () => ReturnType<typeof playTurn>,
): Promise<Omit<Account, 'profiles' | 'inFlight'>> {
  const url = postgres.url('postgres');
  const nodes = Object.entries(subject.processes).map(([name, { pid = 0 }]) => ({ name, pid }));
  const read = () => ({
    threads: nodes.flatMap(({ name, pid }) =>
      threadsOf(pid).map((thread, index) => ({ ...thread, process: name, pid, index })),
    ),
    backends: childrenOf(postgres.pid ?? 0),
  });
  await resetStatementTimes(url);
  const before = read();
  const fromUs = nowUs();
  const goFile = home.path('temporal.pprof');
  const { pprofUrl } = temporal;
  const goProfile = pprofUrl && takeGoProfile(pprofUrl, seconds, goFile);
  const turn = await play();
  const toUs = nowUs();
  const after = read();
  await goProfile;
  const names = await backendNames(url);
  const since = <Item extends { id: number; seconds: number }>(now: Item[], then: Item[]) => {
    const start = new Map(then.map((item) => [item.id, item.seconds]));
    return now.map((item) => ({ ...item, seconds: item.seconds - (start.get(item.id) ?? 0) }));
  };
  return {
    turn,
    fromUs,
    toUs,
    threads: since(after.threads, before.threads),
    backends: since(after.backends, before.backends).map(({ id, seconds: used }) => ({
      name: names.get(id) ?? 'ended or of the server',
      seconds: used,
    })),
    statements: await statementTimes(url, subject.database ?? ''),
    goParts: goProfile ? await goParts(goFile) : undefined,
  };
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
