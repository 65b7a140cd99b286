import { decode, encode } from 'fast-png';
import * as modernPalette from 'modern-palette';

/** What is used of the package; its own types cannot be found by a compiler that resolves as Node does. */
interface Quantizer {
  readonly Palette: new (options: {
    readonly maxColors: number;
    readonly samples: readonly Uint8ClampedArray[];
  }) => { generate(): Promise<Colour[]> };
  readonly Finder: new (colours: readonly Colour[]) => {
    findNearestIndex(r: number, g: number, b: number, a: number): number;
  };
}
interface Colour {
  readonly rgb: { readonly r: number; readonly g: number; readonly b: number };
}

const { Finder, Palette } = modernPalette as unknown as Quantizer;

/** As many as one byte a pixel can name. */
const COLOURS_MAX = 256;

/**
 * The same picture with a palette: a third of the bytes, since pages have few colours. One with more than fit gets
 * the nearest ones.
 */
export async function smallPng(png: Buffer): Promise<Buffer> {
  const { width, height, data, channels } = decode(png);
  const rgba = opaque(data, channels);
  const palette = new Palette({ maxColors: COLOURS_MAX, samples: [rgba] });
  const colours = await palette.generate();
  const finder = new Finder(colours);
  const indexes = new Uint8Array(width * height);
  const known = new Map<number, number>();
  for (let pixel = 0; pixel < indexes.length; pixel++) {
    const [r = 0, g = 0, b = 0] = rgba.subarray(pixel * 4, pixel * 4 + 3);
    const key = (r << 16) | (g << 8) | b;
    const index = known.get(key) ?? finder.findNearestIndex(r, g, b, 255);
    known.set(key, index);
    indexes[pixel] = index;
  }
  return Buffer.from(
    encode(
      {
        width,
        height,
        data: indexes,
        channels: 1,
        depth: 8,
        palette: colours.map(({ rgb }) => [rgb.r, rgb.g, rgb.b] as [number, number, number]),
      },
      { zlib: { level: 9 } },
    ),
  );
}

/** Four bytes a pixel; Chromium leaves the fourth out where nothing is transparent. */
export function opaque(data: ArrayLike<number>, channels: number): Uint8ClampedArray {
  if (channels !== 3 && channels !== 4) throw new Error('a screenshot is in colour');
  const pixels = data.length / channels;
  const rgba = new Uint8ClampedArray(pixels * 4).fill(255);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      rgba[pixel * 4 + colour] = data[pixel * channels + colour] ?? 0;
    }
  }
  return rgba;
}
