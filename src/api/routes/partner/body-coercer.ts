import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  isJsonNumber,
  isJsonObject,
  JsonSyntaxError,
  parseLosslessJson,
  type LosslessJson,
} from '../../../lib/json';
import { badField, PartnerApiError } from './error-door';

/**
 * Bodies of the partner API, JSON or form: one flat set of fields either way, so that what follows cannot
 * tell the two apart. A string stays the string it is (`0632094194`), an empty or null field is a field
 * not given, and a field with more than one value is refused.
 */
export type FlatBody = Readonly<Record<string, string | number | boolean>>;

/** Teaches a scope the two content types. Without any, a body is taken for JSON (the header is optional). */
export function acceptPartnerBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  const asString = { parseAs: 'string' } as const;
  const json = (_request: FastifyRequest, text: string | Buffer) => Promise.resolve(jsonBody(text));
  scope.addContentTypeParser('application/json', asString, json);
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    asString,
    (_request: FastifyRequest, text: string | Buffer) => Promise.resolve(formBody(text)),
  );
  scope.addContentTypeParser('*', asString, (request: FastifyRequest, text: string | Buffer) => {
    if (request.headers['content-type'] === undefined) return Promise.resolve(jsonBody(text));
    throw new PartnerApiError(415, 'Unsupported Media Type');
  });
  // A request without any body is one whose every field is missing, and is answered by the field's name.
  scope.addHook('preValidation', async (request) => {
    if (request.method === 'POST') request.body ??= {};
  });
}

function jsonBody(text: string | Buffer): FlatBody {
  const source = text.toString();
  if (source.trim() === '') return {};
  let value: LosslessJson;
  try {
    value = parseLosslessJson(source);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badField('body', 'is not valid JSON');
    throw error;
  }
  if (!isJsonObject(value)) throw badField('body', 'must be a JSON object');
  return flatten(Object.entries(value).map(([name, field]) => [name, jsonScalar(name, field)]));
}

function jsonScalar(name: string, value: LosslessJson): string | number | boolean | null {
  // Which fields may be numbers is for their schemas to say; the value itself is never used for money.
  if (isJsonNumber(value)) return Number(value.value);
  if (value !== null && typeof value === 'object') {
    throw badField(printable(name), 'must be a single value');
  }
  return value;
}

function formBody(text: string | Buffer): FlatBody {
  const seen = new Set<string>();
  const pairs = [...new URLSearchParams(text.toString())];
  for (const [name] of pairs) {
    if (seen.has(name)) throw badField(printable(name), 'must be a single value');
    seen.add(name);
  }
  return flatten(pairs);
}

function flatten(pairs: (readonly [string, string | number | boolean | null])[]): FlatBody {
  const given = pairs.filter(
    (pair): pair is [string, string | number | boolean] => pair[1] !== null && pair[1] !== '',
  );
  for (const [name, value] of given) {
    // PostgreSQL text cannot hold it, so no field of ours can ever mean it.
    if (typeof value === 'string' && value.includes('\0')) {
      throw badField(printable(name), 'must not contain a NUL character');
    }
  }
  // fromEntries defines own fields, so that a field called __proto__ is only a field.
  return Object.fromEntries(given);
}

// A caller's own field name goes back into the answer: short, and without control characters.
function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 64) || 'body';
}
