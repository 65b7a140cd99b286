import {
  InvalidSettingsError,
  mergeSettings,
  parseConnectionSettings,
  parsePartnerSettings,
} from './settings';

function faultsOf(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof InvalidSettingsError) return error.faults;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('a partner that chose nothing has every default', () => {
  expect(parsePartnerSettings({})).toEqual({
    wallet_attempt_timeout_ms: 2_000,
    max_in_flight: 32,
    requests_per_second: 200,
    extra_payout: 'carrier',
    dedup_before_funds: false,
    duplicate_means_done: false,
    bet_end: true,
    history: true,
    reply_texts: { funds: [], blocked: [], player_not_found: [], duplicate: [] },
    breaker: {
      ratio: 0.5,
      calls_min: 10,
      window_ms: 10_000,
      open_ms_min: 15_000,
      open_ms_max: 60_000,
    },
    products: null,
    redirect_hosts: null,
  });
});

test('a connection for which nothing was chosen has every default', () => {
  expect(parseConnectionSettings({})).toEqual({
    answer_deadline_ms: 4_500,
    revive_window_ms: 60_000,
    idle_close_ms: 86_400_000,
    close_grace_ms: 5_000,
    session_idle_ms: 86_400_000,
    requests_per_second: 1_000,
    payout_ack: 'durable',
    close_on_next_stake: true,
    orphan_payout: 'reject',
    orphan_payout_max: null,
    stake_max: null,
    payout_max: null,
    any_address: false,
  });
});

test('what was chosen stays, and a part of a group leaves the rest of the group at its defaults', () => {
  const settings = parsePartnerSettings({ max_in_flight: 5, breaker: { ratio: 0.9 } });
  expect(settings.max_in_flight).toBe(5);
  expect(settings.breaker).toMatchObject({ ratio: 0.9, calls_min: 10 });
});

test.each([
  [{ walet_attempt_timeout_ms: 1 }, /^walet_attempt_timeout_ms: /],
  [{ wallet_attempt_timeout_ms: 99 }, /^wallet_attempt_timeout_ms: /],
  [{ wallet_attempt_timeout_ms: 150.5 }, /^wallet_attempt_timeout_ms: /],
  [{ wallet_attempt_timeout_ms: '2000' }, /^wallet_attempt_timeout_ms: /],
  [{ max_in_flight: 0 }, /^max_in_flight: /],
  [{ requests_per_second: 0 }, /^requests_per_second: /],
  [{ extra_payout: 'drop' }, /^extra_payout: /],
  [{ bet_end: 'yes' }, /^bet_end: /],
  [{ reply_texts: { fund: [] } }, /^reply_texts\.fund: /],
  [{ breaker: { ratio: 0 } }, /^breaker\.ratio: /],
  [{ breaker: { open_ms_min: 5_000, open_ms_max: 1_000 } }, /^breaker\.open_ms_min: /],
  [{ redirect_hosts: ['https://casino.example.com/'] }, /^redirect_hosts\.0: /],
  [[], /./],
])('partner settings %j are refused by name', (json, fault) => {
  const faults = faultsOf(() => parsePartnerSettings(json));
  expect(faults).toEqual([expect.stringMatching(fault)]);
});

test.each([
  [{ answer_deadline_ms: 50 }, /^answer_deadline_ms: /],
  [{ payout_ack: 'maybe' }, /^payout_ack: /],
  [{ stake_max: '-1' }, /^stake_max: /],
  [{ stake_max: '1e3' }, /^stake_max: /],
  [{ payout_max: '0.00001' }, /^payout_max: /],
  [{ any_address: 'yes' }, /^any_address: /],
  [{ wallet_attempt_timeout_ms: 2_000 }, /^wallet_attempt_timeout_ms: /],
])('connection settings %j are refused by name', (json, fault) => {
  const faults = faultsOf(() => parseConnectionSettings(json));
  expect(faults).toEqual([expect.stringMatching(fault)]);
});

test('every fault is named at once', () => {
  const faults = faultsOf(() => parsePartnerSettings({ nope: 1, max_in_flight: -1 }));
  expect(faults).toHaveLength(2);
});

test('a cap is decimal text, however it was written', () => {
  expect(parseConnectionSettings({ stake_max: '100.00', payout_max: 250.5 })).toMatchObject({
    stake_max: '100.00',
    payout_max: '250.5',
  });
});

test('a change replaces the keys it names, puts null ones back, and leaves the others', () => {
  const stored = { max_in_flight: 5, bet_end: false, history: false };
  expect(mergeSettings(stored, { bet_end: null, history: true })).toEqual({
    max_in_flight: 5,
    history: true,
  });
  expect(() => mergeSettings(stored, [1])).toThrow(InvalidSettingsError);
});

test('settings that were read before are not parsed again, and nobody can change what others are told', () => {
  const text = '{"max_in_flight":7}';
  const first = parsePartnerSettings(JSON.parse(text));
  expect(parsePartnerSettings(JSON.parse(text))).toBe(first);
  expect(Object.isFrozen(first)).toBe(true);
  expect(parsePartnerSettings({ max_in_flight: 8 }).max_in_flight).toBe(8);
  expect(parseConnectionSettings({})).toEqual(parseConnectionSettings({}));
  expect(() => parseConnectionSettings(JSON.parse(text))).toThrow(InvalidSettingsError);
  expect(() => parseConnectionSettings(JSON.parse(text))).toThrow(InvalidSettingsError);
});
