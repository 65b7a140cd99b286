import { inspect } from 'node:util';
import { masterKeyOf, openValue, rewrapValue, sealValue, type MasterKey } from './envelope';

const keyOf = (digit: string): MasterKey => {
  const key = masterKeyOf(digit.repeat(64));
  if (!key) throw new Error('no key');
  return key;
};
const one = keyOf('1');
const two = keyOf('2');
const ROW = 'partner_secrets/7/1';
const secret = Buffer.from('the secret of LAG1');

test('what was sealed opens again, and never looks the same twice', () => {
  const sealed = sealValue(one, secret, ROW);
  expect(openValue([one], sealed, ROW)).toEqual(secret);
  expect(sealed.box.includes(secret)).toBe(false);
  expect(sealValue(one, secret, ROW).box).not.toEqual(sealed.box);
});

test('a value moved to another row, version or table does not open there', () => {
  const sealed = sealValue(one, secret, ROW);
  for (const other of ['partner_secrets/8/1', 'partner_secrets/7/2', 'connection_keys/7/1']) {
    expect(() => openValue([one], sealed, other)).toThrow(`${other} cannot be opened`);
  }
});

test('a data key of one row with the content of another does not open', () => {
  const mine = sealValue(one, secret, ROW).box;
  const theirs = sealValue(one, secret, 'partner_secrets/8/1').box;
  const mixed = Buffer.concat([theirs.subarray(0, 61), mine.subarray(61)]);
  expect(() => openValue([one], { box: mixed, masterKeyId: one.id }, ROW)).toThrow(ROW);
});

test('no changed, added or missing byte goes unseen, and no error tells the value', () => {
  const { box, masterKeyId } = sealValue(one, secret, ROW);
  for (let at = 0; at < box.length; at++) {
    const changed = Buffer.from(box);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => openValue([one], { box: changed, masterKeyId }, ROW)).toThrow(
      /^(key of )?partner_secrets\/7\/1 (cannot be opened|is sealed in an unknown form)/,
    );
    expect(() => openValue([one], { box: box.subarray(0, at), masterKeyId }, ROW)).toThrow(ROW);
  }
  const longer = Buffer.concat([box, Buffer.alloc(1)]);
  expect(() => openValue([one], { box: longer, masterKeyId }, ROW)).toThrow(ROW);
});

test('only its own master key opens it, and the error names that key', () => {
  const sealed = sealValue(one, secret, ROW);
  expect(() => openValue([two], sealed, ROW)).toThrow(`sealed with master key ${one.id}`);
  expect(() => openValue([two], { ...sealed, masterKeyId: two.id }, ROW)).toThrow(
    'cannot be opened',
  );
  expect(openValue([two, one], sealed, ROW)).toEqual(secret);
});

test('a rewrap leaves the content as it is and puts it under the new key alone', () => {
  const sealed = sealValue(one, secret, ROW);
  const moved = rewrapValue([two, one], two, sealed, ROW);
  expect(openValue([two], moved, ROW)).toEqual(secret);
  expect(moved.box.subarray(61)).toEqual(sealed.box.subarray(61));
  expect(() => openValue([one], moved, ROW)).toThrow(two.id);
});

test('a master key shows its id and nothing of itself', () => {
  expect(one.id).toMatch(/^[0-9a-f]{16}$/);
  expect(one.id).not.toBe(two.id);
  for (const shown of [inspect(one, { depth: 9, showHidden: true }), JSON.stringify(one)]) {
    expect(shown).not.toContain('1111');
  }
});

test.each(['', 'ab', 'g'.repeat(64), 'AB'.repeat(32), `${'1'.repeat(64)}\n`, '1'.repeat(65)])(
  'no key is made of %j',
  (text) => {
    expect(masterKeyOf(text)).toBeUndefined();
  },
);
