import { eventually } from '../support/eventually';
import type { TestPlayer, TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

/** What a scenario's house is started with: nothing in it is decided by a busy machine's pace. */
export const SCENARIO_SETTINGS = {
  partner: { wallet_attempt_timeout_ms: 400 },
  connection: {
    answer_deadline_ms: 15_000,
    revive_window_ms: 60_000,
    close_grace_ms: 200,
    idle_close_ms: 86_400_000,
  },
};

interface Scene {
  readonly house: TestRoundhouse;
  readonly player: TestPlayer;
  /** A call of the scene's player in round 1, under a transaction of its own. */
  call(of?: Partial<MoneyCall>): MoneyCall;
  /** Asks with a deadline sooner than the wallet's answer. */
  inHaste<Result>(ask: () => Promise<Result>): Promise<Result>;
}

/** A kind of round, played to its end; the wallet's balance at the end, from 1000. */
export interface Scenario {
  readonly balance: string;
  play(scene: Scene): Promise<void>;
}

/** Every branch of a round's workflow. Each plays round 1 of a player of its own. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  loss: {
    balance: '990',
    async play({ house, call }) {
      await accepted(house.provider.credit(call({ close: true })));
    },
  },

  win: {
    balance: '1015',
    async play({ house, call }) {
      await accepted(house.provider.credit(call()));
      await accepted(house.provider.debit(call({ amount: '25', betAmount: '10', close: true })));
    },
  },

  'unknown-then-done': {
    balance: '990',
    async play({ house, call }) {
      house.wallet.script('/bet', 'lose', { status: 502, body: 'bad gateway' });
      await accepted(house.provider.credit(call({ close: true })));
    },
  },

  declined: {
    balance: '1000',
    async play({ house, call }) {
      expect(await house.provider.credit(call({ amount: '5000' }))).toMatchObject({ code: 2 });
    },
  },

  compensated: {
    balance: '1000',
    async play({ house, call, inHaste }) {
      house.wallet.always('/bet', 'hang');
      const stake = call();
      expect(await inHaste(() => house.provider.credit(stake))).toMatchObject({ code: 1 });
      await house.configure({ revive_window_ms: 100 });
      // The next attempt, or the end of one, is when the book looks at the time.
      await eventually(async () => expect(await decisionOf(house, stake)).toBe('failed'));
      await house.configure(SCENARIO_SETTINGS.connection);
      house.wallet.always('/bet', null);
    },
  },

  'bonus-round': {
    balance: '979',
    async play({ house, call }) {
      for (const amount of ['10', '20']) await accepted(house.provider.credit(call({ amount })));
      await Promise.all(
        ['2', '3', '4'].map((amount) => accepted(house.provider.debit(call({ amount })))),
      );
      await accepted(house.provider.debit(call({ amount: '0', close: true })));
    },
  },

  'closed-by-next-stake': {
    balance: '980',
    async play({ house, call }) {
      await accepted(house.provider.credit(call()));
      await accepted(house.provider.credit(call({ round: '2', close: true })));
    },
  },

  'idle-then-late-payout': {
    balance: '997',
    async play({ house, player, call }) {
      await house.configure({ idle_close_ms: 1_000 });
      await accepted(house.provider.credit(call()));
      await house.ended(player.id, '1');
      await accepted(house.provider.debit(call({ amount: '7' })));
      await house.configure(SCENARIO_SETTINGS.connection);
    },
  },

  hurry: {
    balance: '990',
    async play({ house, player, call, inHaste }) {
      house.wallet.always('/bet', 'reset');
      const stake = call({ close: true });
      expect(await inHaste(() => house.provider.credit(stake))).toMatchObject({ code: 1 });
      // Once a background repeat is seconds away: who asks again does not wait for it.
      await eventually(async () => {
        const { rows } = await house.pool.query(
          `SELECT 1 FROM obligations o JOIN rounds r ON r.id = o.round_id
            WHERE r.player_id = $1 AND o.running_since IS NULL
              AND o.next_attempt_at > clock_timestamp() + interval '3 s'`,
          [player.id],
        );
        expect(rows).toHaveLength(1);
      });
      house.wallet.always('/bet', null);
      await accepted(house.provider.credit(stake));
    },
  },

  drained: {
    balance: '1015',
    async play({ house, call, inHaste }) {
      await accepted(house.provider.credit(call()));
      // As if this wallet had not answered many others: what is owed now waits in the drain.
      await house.pool.query(
        `INSERT INTO partner_breakers (partner_id, opened_at, open_ms, open_until, probe_from)
         SELECT $1, now, 1000, now + interval '1 s', now + interval '1 s' FROM clock_timestamp() AS now`,
        [house.partner.id],
      );
      await accepted(inHaste(() => house.provider.debit(call({ amount: '25', close: true }))));
      await eventually(async () => {
        const { rowCount } = await house.pool.query(
          `SELECT 1 FROM obligations WHERE drain_partner IS NOT NULL AND status = 'open'`,
        );
        expect(rowCount).toBe(0);
      });
      await house.pool.query('DELETE FROM partner_breakers');
    },
  },

  'wallet-down-for-the-win': {
    balance: '1015',
    async play({ house, call, inHaste }) {
      await accepted(house.provider.credit(call()));
      house.wallet.always('/settle-bet', { status: 503, body: 'down' });
      const win = call({ amount: '25', close: true });
      await accepted(inHaste(() => house.provider.debit(win)));
      house.wallet.always('/settle-bet', null);
      await accepted(house.provider.debit(win));
    },
  },
};

/** Plays a scenario and waits until the round has come to its end. */
export async function playScenario(house: TestRoundhouse, scenario: Scenario): Promise<TestPlayer> {
  const player = await house.newPlayer();
  let transaction = 100;
  await scenario.play({
    house,
    player,
    call: (of = {}) => ({
      token: player.token,
      player: player.id,
      round: '1',
      transaction: String(++transaction),
      amount: '10',
      ...of,
    }),
    async inHaste(ask) {
      await house.configure({ answer_deadline_ms: 600 });
      const result = await ask();
      await house.configure(SCENARIO_SETTINGS.connection);
      return result;
    },
  });
  await eventually(() => expect(house.wallet.balance(player.userAgent)).toBe(scenario.balance));
  await eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT 1 FROM obligations o JOIN rounds r ON r.id = o.round_id
        WHERE r.player_id = $1 AND o.status = 'open'`,
      [player.id],
    );
    expect(rows).toEqual([]);
  });
  await house.ended(player.id, '1');
  return player;
}

async function accepted(asked: Promise<{ code: number; text: string }>): Promise<void> {
  const { code, text } = await asked;
  if (code !== 0) throw new Error(`not accepted: ${text}`);
}

async function decisionOf(house: TestRoundhouse, stake: MoneyCall): Promise<string | undefined> {
  const { rows } = await house.pool.query<{ decision: string }>(
    `SELECT b.decision FROM bets b JOIN rounds r ON r.id = b.round_id WHERE r.player_id = $1`,
    [stake.player],
  );
  return rows[0]?.decision;
}
