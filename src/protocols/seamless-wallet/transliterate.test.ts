import fc from 'fast-check';
import { canonical } from './signature';
import { transliterate } from './transliterate';

describe('names in signed bodies', () => {
  test.each([
    ['Café Olé', 'Cafe Ole'],
    ['Straße', 'Strasse'],
    ['Łódź', 'Lodz'],
    ['Book of Ra™ Deluxe', 'Book of RaTM Deluxe'],
    ['Gonzo’s Quest®', "Gonzo's Quest"],
    ['Fire & Ice / "Hot" <1>', 'Fire Ice Hot 1'],
    ['龍', '?'],
    ['  a\tb\n', 'a b'],
    ['', '?'],
    ['™'.repeat(200), 'TM'.repeat(64)],
  ])('%j is written %j', (name, written) => {
    expect(transliterate(name)).toBe(written);
  });

  test('any text becomes one that can be signed, and stays as it is the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const name = transliterate(text);
        expect(name.length).toBeGreaterThan(0);
        expect(() => canonical({ game: name })).not.toThrow();
        expect(transliterate(name)).toBe(name);
      }),
    );
  });
});
