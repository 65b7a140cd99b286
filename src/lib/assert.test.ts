import { AssertionError, assert, assertNever } from './assert';

test('an assertion that holds says nothing, one that does not stops with its message', () => {
  expect(() => assert(1, 'never seen')).not.toThrow();
  for (const broken of [false, 0, '', null, undefined]) {
    expect(() => assert(broken, 'the books differ')).toThrow(
      new AssertionError('the books differ'),
    );
  }
});

test('a case that the compiler thought impossible stops and names the value', () => {
  expect(() => assertNever('surprise' as never)).toThrow(AssertionError);
  expect(() => assertNever('surprise' as never)).toThrow('"surprise"');
});
