import {
  JsonSyntaxError,
  fieldOf,
  isJsonNumber,
  isJsonObject,
  parseLosslessJson,
  scalarText,
} from './json';

function objectOf(text: string) {
  const value = parseLosslessJson(text);
  if (!isJsonObject(value)) throw new Error(`not an object: ${text}`);
  return value;
}

describe('lossless JSON', () => {
  test.each([
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '0.1',
    '20.00',
    '2e1',
    '2E+1',
    '-0',
    '1.10000000000000000000000001',
  ])('the number %s keeps its source text', (text) => {
    const value = fieldOf(objectOf(`{"a": ${text}}`), 'a');
    expect(isJsonNumber(value)).toBe(true);
    expect(scalarText(value)).toBe(text);
  });

  test('a string keeps its content and is told from a number', () => {
    const value = fieldOf(objectOf('{"a":"9007199254740993"}'), 'a');
    expect(isJsonNumber(value)).toBe(false);
    expect(scalarText(value)).toBe('9007199254740993');
  });

  test.each(['true', 'null', '[1]', '{}'])('%s is no scalar of the wire', (text) => {
    expect(scalarText(fieldOf(objectOf(`{"a":${text}}`), 'a'))).toBeUndefined();
  });

  test.each([
    '',
    ' ',
    'x',
    '{',
    '{"a":1}}',
    '{"a":1} x',
    '{"a":1,}',
    "{'a':1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":NaN}',
    '{"a":1,"a":2}',
    '[1,]',
    '"\u0001"',
  ])('%j is an error', (text) => {
    expect(() => parseLosslessJson(text)).toThrow(JsonSyntaxError);
  });

  test('nesting beyond 16 levels is an error, however deep', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseLosslessJson(nested(16))).not.toThrow();
    expect(() => parseLosslessJson(nested(17))).toThrow(JsonSyntaxError);
    expect(() => parseLosslessJson(nested(1_000_000))).toThrow(JsonSyntaxError);
    expect(() => parseLosslessJson('{"a":'.repeat(100_000))).toThrow(JsonSyntaxError);
  });

  test('brackets and escaped quotes inside strings are not nesting', () => {
    expect(parseLosslessJson(`"${'['.repeat(100)}"`)).toBe('['.repeat(100));
    expect(parseLosslessJson(String.raw`"\"[[[[[[[[[[[[[[[[[[[["`)).toBe(`"${'['.repeat(20)}`);
  });

  test('an array, a number and null are no object', () => {
    for (const text of ['[]', '1', 'null', '"a"', 'true']) {
      expect([text, isJsonObject(parseLosslessJson(text))]).toEqual([text, false]);
    }
  });

  test('inherited names are never found, and `__proto__` changes no prototype', () => {
    const value = objectOf('{"__proto__": {"polluted": 1}, "a": 1}');
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      expect([name, fieldOf(value, name)]).toEqual([name, undefined]);
    }
    expect((value as Record<string, unknown>).polluted).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
