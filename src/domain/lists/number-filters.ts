import { comparedForm, digitsPrefix, plainCharacter } from '../phone-numbers.ts';
import { literal } from './filters.ts';

// A number is found by its one form, in whatever spelling it is looked for. A text of digits may as well be a part of a name or of a Microsoft address,
// which are compared as they are written.

type Condition = Record<string, object>;

/**
 * The condition that a folded address begins with the text. The address is a number in its one form, a name, or a Microsoft address.
 * @param parameter the filter's field, for the error
 * @throws InvalidInputError as `literal`
 */
export function addressBeginning(column: string, parameter: string, text: string | null | undefined): Condition {
  const written = literal(parameter, text);
  if (text == null || written === undefined) return {};
  return anyOf(numberBeginnings(column, text, [written]));
}

/**
 * The condition that a mapped number contains the text, in its one form or as it was given. A text with an international prefix is a number's beginning.
 * @param parameter the filter's field, for the error
 * @throws InvalidInputError as `literal`
 */
export function numberContaining(parameter: string, text: string | null | undefined): Condition {
  const written = literal(parameter, text);
  if (text == null || written === undefined) return {};
  const given = { externalAddress: { contains: written } };
  if (digitsPrefix(text) === undefined) return given;
  const plain = Array.from(text, plainCharacter).join('');
  const beginnings = /\+|%2B|^[^0-9]*00/i.test(plain) ? numberBeginnings('externalDigits', text) : [];
  if (/\+|%2B/i.test(plain)) return anyOf([...beginnings, given]);
  const digits = plain.replace(/[^0-9]/g, '');
  const part = { externalDigits: { contains: digits } };
  return anyOf(digits === written ? [...beginnings, part] : [...beginnings, part, given]);
}

/** The conditions that a column begins with the number that the text begins, or with one of these operands of LIKE. */
function numberBeginnings(column: string, text: string, others: readonly string[] = []): Condition[] {
  const digits = digitsPrefix(text);
  if (digits === undefined) return startingWith(column, others);
  // A plus alone: any number.
  if (digits === '') return [{ [column]: { gte: '0', lt: ':' } }, ...startingWith(column, others)];
  // A whole number may lose digits that are dialled at home only.
  const whole = comparedForm(text);
  return startingWith(column, whole.startsWith(digits) ? [digits, ...others] : [digits, whole, ...others]);
}

const startingWith = (column: string, operands: readonly string[]): Condition[] =>
  [...new Set(operands)].map((operand) => ({ [column]: { startsWith: operand } }));

function anyOf(conditions: Condition[]): Condition {
  const [only, ...further] = conditions;
  return only && further.length === 0 ? only : { OR: conditions };
}
