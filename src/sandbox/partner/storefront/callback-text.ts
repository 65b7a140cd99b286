import { parseAmount } from '../../../domain/money';
import {
  fieldOf,
  isJsonNumber,
  isJsonObject,
  JsonSyntaxError,
  parseLosslessJson,
  scalarText,
  type LosslessJson,
} from '../../../lib/json';
import type { Money } from '../money-text';
import type { LoggedCallback } from '../wallet-book';

/** What a callback asked for, in words, with the amounts its body says. */
export function askedText({ endpoint, body }: LoggedCallback, money: Money): string {
  const fields = fieldsOf(body) ?? {};
  const amount = (name: string): string | undefined => {
    const parsed = parseAmount(scalarText(fieldOf(fields, name)) ?? '', money.exponent);
    return parsed.ok ? money.label(parsed.minor) : undefined;
  };
  switch (endpoint) {
    case 'balance':
      return 'asks for the balance';
    case 'bet':
      return `takes ${amount('balance') ?? 'a bet'}`;
    case 'settle-bet':
      return `pays ${amount('balance') ?? 'a win'}`;
    case 'bet-end':
      return `ends the bet, ${amount('win_balance') ?? 'nothing'} won`;
    case 'history':
      return fields.type === 'update' ? 'reports the bet anew' : 'reports the bet';
    default:
      return '';
  }
}

/** A flat JSON object with a line for each field, its numbers as they were sent; anything else as it came. */
export function laidOut(body: string): string {
  const lines = Object.entries(fieldsOf(body) ?? {}).map(([name, value]) => {
    const isNested = typeof value === 'object' && value !== null && !isJsonNumber(value);
    const text = isJsonNumber(value) ? value.value : JSON.stringify(value);
    return isNested ? undefined : `  ${JSON.stringify(name)}: ${text}`;
  });
  if (lines.length === 0 || lines.includes(undefined)) return body;
  return `{\n${lines.join(',\n')}\n}`;
}

function fieldsOf(body: string): { [key: string]: LosslessJson } | undefined {
  try {
    const value = parseLosslessJson(body);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}
