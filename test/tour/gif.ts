import { decode } from 'fast-png';
import { encode } from 'modern-gif';
import { opaque } from './png';

/** A picture of the film and how long it stays. */
export interface Frame {
  readonly png: Buffer;
  readonly ms: number;
}

/** Browsers slow down what is to be shown for less. */
const FRAME_MS_MIN = 40;

/**
 * An animated GIF that repeats for ever.
 *
 * @param frames screenshots of one size; pictures alike become one that stays longer
 */
export async function gifOf(frames: readonly Frame[]): Promise<Buffer> {
  const distinct = withoutRepeats(frames).map(({ png, ms }) => {
    const { width, height, data, channels } = decode(png);
    return { width, height, data: opaque(data, channels), delay: Math.max(ms, FRAME_MS_MIN) };
  });
  const first = distinct[0];
  if (first === undefined) throw new Error('a film needs a picture');
  const { width, height } = first;
  return Buffer.from(await encode({ width, height, frames: distinct }));
}

function withoutRepeats(frames: readonly Frame[]): Frame[] {
  const kept: Frame[] = [];
  for (const frame of frames) {
    const last = kept.at(-1);
    if (last?.png.equals(frame.png)) kept[kept.length - 1] = { ...last, ms: last.ms + frame.ms };
    else kept.push(frame);
  }
  return kept;
}
