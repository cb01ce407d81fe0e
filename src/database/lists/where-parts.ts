import { pastOf } from './conditions.ts';

// A list's `where` as conditions on single fields, and what each of them requires.

/** A condition on one field, as in Prisma's `where`. */
export type Part = Readonly<Record<string, unknown>>;

/** In place of a value: the column `parent.sid`. */
export const PARENT = Symbol('parent.sid');

/** Splits a `where` into its conditions on single fields. A row matches if it meets them all. */
export function partsOf(where: object): Part[] {
  return Object.entries(where).flatMap(([field, test]): Part[] => {
    if (test === undefined) return [];
    if (field === 'AND') return (test as object[]).flatMap(partsOf);
    return isVoid(test) ? [] : [{ [field]: test }];
  });
}

/** Leaves out repeated equalities of one field with one text. */
export const distinct = (parts: readonly Part[]) =>
  parts.filter((part, at) => {
    const [[field, test] = ['', undefined], ...further] = Object.entries(part);
    return typeof test !== 'string' || further.length > 0 || !parts.slice(0, at).some((earlier) => earlier[field] === test);
  });

export const isEqual = (part: Part, field: string) => typeof part[field] === 'string';

const isVoid = (test: unknown) => isOperators(test) && Object.values(test).every((value) => value === undefined);

export const isOperators = (test: unknown): test is Record<string, unknown> =>
  typeof test === 'object' && test !== null && !(test instanceof Date) && !Array.isArray(test);

export const isOn = (part: Part, field: string | undefined) => field !== undefined && field in part && !isOperators(part[field]);

/** The values that a condition compares the field with for equality. */
export function equalValues(part: Part, field: string): unknown[] | undefined {
  const test = part[field];
  if (typeof test === 'string' || test === PARENT) return [test];
  if (isOperators(test) && Array.isArray(test.in) && test.in.length > 0) return [...new Set(test.in)];
  return undefined;
}

const RANGE = new Set(['gte', 'gt', 'lte', 'lt']);

/** The position of a cursor, if the condition is on the rows past it. */
export const pastIn = (part: Part) => ('OR' in part ? pastOf(part.OR as Part[]) : undefined);

/** Whether an index in this order starts or ends at the condition. */
export function isRange(part: Part, order: string): boolean {
  if (prefixOf(part, order) !== undefined) return true;
  if ('OR' in part) return pastIn(part)?.field === order;
  return order in part && isComparison(part[order]);
}

export const isContained = (test: unknown) => isOperators(test) && typeof test.contains === 'string';

export const isComparison = (test: unknown) =>
  isOperators(test) && Object.entries(test).every(([operator, value]) => RANGE.has(operator) || value === undefined);

/** The text that a condition requires the field to begin with. */
export function prefixOf(part: Part, field: string): string | undefined {
  const test = part[field];
  if (!isOperators(test) || typeof test.startsWith !== 'string' || Object.keys(test).length > 1) return undefined;
  return unescaped(test.startsWith);
}

/** Returns the prefixes if a condition requires one of several. Leaves out each that begins with another one, whose rows include its own. */
export function prefixesOf(part: Part, field: string): string[] | undefined {
  if (!('OR' in part)) return undefined;
  const prefixes = (part.OR as Part[]).map((one) => prefixOf(one, field));
  if (prefixes.some((prefix) => prefix === undefined)) return undefined;
  const distinct = [...new Set(prefixes as string[])];
  return distinct.filter((prefix) => !distinct.some((other) => other !== prefix && prefix.startsWith(other)));
}

const unescaped = (operand: string) => operand.replace(/\\(.)/gs, '$1');

/** Whether a trigram index leads to the rows: of fewer than three letters in a row, it has nothing. */
export function hasTrigrams(part: Part, fields: readonly string[]): boolean {
  if ('OR' in part) return (part.OR as Part[]).every((one) => hasTrigrams(one, fields));
  return Object.entries(part).every(([field, test]) => {
    const text = isOperators(test) ? test.contains : undefined;
    return fields.includes(field) && typeof text === 'string' && /[\p{L}\p{N}]{3}/u.test(unescaped(text));
  });
}
