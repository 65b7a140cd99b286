import type { Clock } from '../../../lib/clock';
export function createLinks(_: { publicBaseUrl: string; key: Buffer; clock: Clock }) {
  return { roundUrl: (betId: string) => betId };
}
