import { LosslessNumber, parse } from 'lossless-json';

/** A parsed JSON value whose numbers keep their source text: `2234` stays `2234`, beyond any double. */
export type LosslessJson =
  null | boolean | string | LosslessNumber | LosslessJson[] | { [key: string]: LosslessJson };

export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError';
}

/** How deep a document may nest: no message of either protocol nests deeper than 3; bombs nest by thousands. */
const DEPTH_MAX = 16;

/**
 * Parses JSON without loss. A key given twice with different values, trailing text, and nesting beyond 16 levels are errors.
 *
 * @throws JsonSyntaxError for anything that is not one well-formed JSON value
 */
export function parseLosslessJson(text: string): LosslessJson {
  if (nestsDeeperThan(text, DEPTH_MAX)) throw new JsonSyntaxError('nested too deeply');
  try {
    return parse(text) as LosslessJson;
  } catch (error) {
    throw new JsonSyntaxError(error instanceof Error ? error.message : 'not JSON');
  }
}

export function isJsonObject(value: LosslessJson): value is { [key: string]: LosslessJson } {
  return (
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof LosslessNumber)
  );
}

/** An own field of an object; inherited names such as `constructor` are never found. */
export function fieldOf(
  object: { [key: string]: LosslessJson },
  name: string,
): LosslessJson | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The source text of a number or the content of a string; undefined for every other kind of value. */
export function scalarText(value: LosslessJson | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof LosslessNumber) return value.value;
  return undefined;
}

export function isJsonNumber(value: LosslessJson | undefined): value is LosslessNumber {
  return value instanceof LosslessNumber;
}

// A scan before the parse: the parser recurses, and a deep document would exhaust its stack.
function nestsDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x5b || c === 0x7b) {
      if (++depth > depthMax) return true;
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
  return false;
}
