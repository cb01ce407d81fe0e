import { comparedForm, digitsPrefix, plainCharacter } from '../values/phone-numbers.ts';
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
  const numbers = numberBeginnings(column, text);
  // With a plus before its digits it is a number for sure, and counting by one condition takes a twentieth of the time.
  const isNumber = numbers.length > 0 && hasPlus(text) && digitsPrefix(text) !== '';
  return anyOf(isNumber ? numbers : [...numbers, startingWith(column, written)]);
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
  if (hasPlus(text)) return anyOf([...numberBeginnings('externalDigits', text), given]);
  const digits = plain(text).replace(/[^0-9]/g, '');
  const part = { externalDigits: { contains: digits } };
  return anyOf([
    ...(digits.startsWith('00') ? numberBeginnings('externalDigits', text) : []),
    part,
    ...(digits === written ? [] : [given]),
  ]);
}

const plain = (text: string) => Array.from(text, plainCharacter).join('');
const hasPlus = (text: string) => /\+|%2B/i.test(plain(text));

/** The conditions that a column begins with the number that the text begins; none where it begins no number. */
function numberBeginnings(column: string, text: string): Condition[] {
  const digits = digitsPrefix(text);
  if (digits === undefined) return [];
  // An international prefix alone: any number.
  if (digits === '') return [{ [column]: { gte: '0', lt: ':' } }];
  // A whole number may lose digits that are dialled at home only.
  const whole = comparedForm(text);
  return (whole.startsWith(digits) ? [digits] : [digits, whole]).map((beginning) => startingWith(column, beginning));
}

const startingWith = (column: string, operand: string): Condition => ({ [column]: { startsWith: operand } });

function anyOf(conditions: Condition[]): Condition {
  const distinct = [...new Map(conditions.map((condition) => [JSON.stringify(condition), condition])).values()];
  const [only, ...further] = distinct;
  return only && further.length === 0 ? only : { OR: distinct };
}
