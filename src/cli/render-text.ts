/** What a command answers: plain data, amounts as decimal text. */
export type Printable =
  | null
  | boolean
  | number
  | string
  | readonly Printable[]
  | { readonly [name: string]: Printable | undefined };

/** Something a provider or partner sent could otherwise move the cursor or hide a line. */
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/g;

/**
 * Data as text for people: a list of records as a table, a record as one aligned line a field, with the
 * names of nested fields joined by dots.
 */
export function renderText(value: Printable): string {
  if (isList(value)) {
    const records = value.filter(isRecord);
    if (value.length === 0) return 'none\n';
    if (records.length === value.length) return renderTable(records);
    return value.map((entry) => `${cell(entry)}\n`).join('');
  }
  if (isRecord(value)) return renderRecord(value);
  return `${cell(value)}\n`;
}

/** One line a record, the columns those of the first. */
export function renderTable(
  records: readonly { readonly [name: string]: Printable | undefined }[],
) {
  const columns = Object.keys(records[0] ?? {});
  const rows = [
    columns.map((name) => name.toUpperCase()),
    ...records.map((record) => columns.map((name) => cell(record[name]))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((text, index) => text.padEnd(widths[index] ?? 0)).join('  ')}`)
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function renderRecord(record: { readonly [name: string]: Printable | undefined }): string {
  const lines = linesOf(record, '');
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join('');
}

function linesOf(
  record: { readonly [name: string]: Printable | undefined },
  before: string,
): [string, string][] {
  return Object.entries(record).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (isRecord(value)) return linesOf(value, `${before}${name}.`);
    return [[before + name, cell(value)]];
  });
}

function cell(value: Printable | undefined): string {
  if (value === null || value === undefined || value === '') return '-';
  if (isList(value)) {
    return value.length === 0 ? '-' : value.map((entry) => cell(entry)).join(', ');
  }
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replace(CONTROL_CHARACTERS, '?');
}

function isList(value: Printable | undefined): value is readonly Printable[] {
  return Array.isArray(value);
}

function isRecord(
  value: Printable | undefined,
): value is { readonly [name: string]: Printable | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
