import type { FaultMode } from '../fault-switchboard';
import type { WalletEndpoint } from '../wallet-request';

/** A fault in words: what the wallet will do, and what Roundhouse will do about it. */
export interface FaultText {
  readonly mode: Exclude<FaultMode, 'none'>;
  readonly name: string;
  readonly wallet: string;
  readonly roundhouse: string;
}

export const FAULTS: readonly FaultText[] = [
  {
    mode: 'slow',
    name: 'Slow',
    wallet: 'The wallet waits before it books the call and answers.',
    roundhouse:
      'Roundhouse gives an attempt 2 seconds, then asks again under the same bet id; the wallet books it once and tells both the same answer.',
  },
  {
    mode: 'error500',
    name: 'Error 500',
    wallet: 'The wallet answers 500 and books nothing.',
    roundhouse:
      'A 500 does not prove that nothing moved, so Roundhouse repeats the call under the same bet id until the answer is clear.',
  },
  {
    mode: 'hang',
    name: 'Hang',
    wallet: 'The wallet takes the call, books nothing and never answers.',
    roundhouse:
      'Roundhouse gives up each attempt after 2 seconds and repeats it; a spin that is not settled after 4.5 seconds is refused, and a bet that turns out to be taken is given back.',
  },
  {
    mode: 'lose_answer',
    name: 'Lose the answer',
    wallet: 'The wallet books the money, then cuts the line before its answer.',
    roundhouse:
      'Roundhouse cannot know that it was booked, so it repeats the call; the wallet knows the bet id, tells its first answer, and the money has moved once.',
  },
  {
    mode: 'decline',
    name: 'Decline',
    wallet: 'The wallet refuses: a new bet for lack of funds (402), any other call with 403.',
    roundhouse:
      'Roundhouse ends the spin of a refused bet with nothing taken; a refused win it goes on owing, asks again, and opens a case for an operator.',
  },
];

/** The wallet's endpoints in words: what a fault there gets in the way of. */
export const ENDPOINTS: Readonly<Record<WalletEndpoint, string>> = {
  balance: 'asked when a game opens',
  bet: 'takes the stake',
  'settle-bet': 'pays the win',
  'bet-end': 'closes the bet',
  history: 'reports the bet',
};
