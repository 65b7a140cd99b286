/** Somebody the sign-in page offers: a way to see one side of the wallet without setting it up first. */
export interface DemoPlayer {
  /** What the casino calls them; Roundhouse puts the casino's prefix before it. */
  readonly reference: string;
  readonly name: string;
  readonly about: string;
  /** What they start with, in whole units of the casino's currency. */
  readonly openingUnits: bigint;
  readonly blocked: boolean;
}

export const DEMO_PLAYERS: readonly DemoPlayer[] = [
  {
    reference: 'demo1',
    name: 'Demo Player',
    about: 'The everyday guest. Enough money for a long evening.',
    openingUnits: 1_000n,
    blocked: false,
  },
  {
    reference: 'clara',
    name: 'Clara Flush',
    about: 'Plays for high stakes, with a balance to match.',
    openingUnits: 25_000n,
    blocked: false,
  },
  {
    reference: 'penny',
    name: 'Penny Short',
    about: 'Almost out of money: see how a bet is refused for lack of funds.',
    openingUnits: 3n,
    blocked: false,
  },
  {
    reference: 'bertie',
    name: 'Bertie Barred',
    about: 'Blocked by this casino: his bets are refused, his wins are still paid.',
    openingUnits: 500n,
    blocked: true,
  },
];

/** How a page calls a player: a demo player's name, else the handle without the casino's prefix. */
export function playerName(userAgent: string, prefix: string): string {
  const reference = userAgent.startsWith(`${prefix}.`)
    ? userAgent.slice(prefix.length + 1)
    : userAgent;
  return DEMO_PLAYERS.find((player) => player.reference === reference)?.name ?? reference;
}
