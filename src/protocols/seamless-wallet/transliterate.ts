/** Names longer than this are cut: no report needs more, and a body must stay small. */
const NAME_LENGTH_MAX = 128;

// Letters and signs that Unicode does not decompose into ASCII.
const SPELLINGS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  ł: 'l',
  Ł: 'L',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
  '‘': "'",
  '’': "'",
  '–': '-',
  '—': '-',
  '−': '-',
  '×': 'x',
};

// What languages escape differently when they serialise JSON again (SPEC §3).
const FORBIDDEN = new Set(['"', '\\', '/', '<', '>', '&']);
// Accents that stand alone after decomposition, invisible joiners and selectors, and the two signs.
const DROPPED = /\p{M}|\p{Cf}|[®©]/u;

/**
 * Writes a name so that it can stand in a signed body (SPEC §3): accents go (`Café` → `Cafe`),
 * `" \ / < > &` and blanks of every kind become one space, registered and copyright signs go, and
 * every other character outside printable ASCII becomes `?`. A name is never empty: `?` at least.
 */
export function transliterate(text: string): string {
  let plain = '';
  for (const character of text.slice(0, NAME_LENGTH_MAX * 8).normalize('NFKD')) {
    if (DROPPED.test(character)) continue;
    if (FORBIDDEN.has(character) || /[\s\p{Cc}]/u.test(character)) plain += ' ';
    else if (/[\x21-\x7e]/.test(character)) plain += character;
    else plain += SPELLINGS[character] ?? '?';
  }
  const name = plain.replace(/ +/g, ' ').trim().slice(0, NAME_LENGTH_MAX).trim();
  return name === '' ? '?' : name;
}
