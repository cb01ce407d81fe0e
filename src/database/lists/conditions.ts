/** Collects the parameters of a statement: their values and PostgreSQL types. */
export class Values {
  readonly given: unknown[] = [];
  readonly types: string[] = [];
  readonly #comparedFields: string[] = [];
  #isIndexed = true;
  #lastTime: Date | undefined;
  #lastTimePlaceholder = '';

  /**
   * Adds a value.
   * @param field the field that is compared with it; absent for a LIMIT or OFFSET
   * @returns the placeholder, such as `$1`
   */
  add(value: unknown, field?: string): string {
    if (field !== undefined) this.#comparedFields.push(field);
    if (value instanceof Date) return this.#addTime(value);
    if (typeof value === 'number') this.types.push('int');
    else if (typeof value === 'string') this.types.push('text');
    else this.#isIndexed = false;
    return `$${this.given.push(value)}`;
  }

  /** A cursor's time is compared twice in a row, so it is added only once. */
  #addTime(time: Date): string {
    if (time === this.#lastTime) return this.#lastTimePlaceholder;
    this.types.push('timestamptz');
    this.#lastTime = time;
    this.#lastTimePlaceholder = `$${this.given.push(time.toISOString())}`;
    return this.#lastTimePlaceholder;
  }

  /** Marks that the statement has a condition that an index may not serve. */
  markUnindexed(): void {
    this.#isIndexed = false;
  }

  /** Whether the only condition is that the owner is this one. */
  isOwnerAlone(owner: string | undefined): boolean {
    return this.#isIndexed && this.#comparedFields.length === 1 && this.#comparedFields[0] === owner && this.given.length === 1;
  }

  /** Whether the index of this owner, parent and order serves every condition: each compares one of these fields with a text, time or number. */
  areIndexed(owner: string, parent: string | undefined, order: readonly string[]): boolean {
    return this.#isIndexed && this.#comparedFields.every((field) => field === owner || field === parent || order.includes(field));
  }
}

/** The fields that are no columns: an immutable function computes them, and an index has its values. */
const COMPUTED: Readonly<Record<string, string>> = {
  conversationSid: 'conversation_sid("mapping_sid", "enterprise_sid", "direction", "from_folded", "to_folded")',
};

/** Returns the quoted column of a field: its name in snake case, as in the whole schema. A test checks this rule against the database. */
export function columnOf(field: string): string {
  let column = columns.get(field);
  if (column === undefined) {
    column = COMPUTED[field] ?? `"${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`;
    columns.set(field, column);
  }
  return column;
}

/** Bounded by the number of fields in the schema. */
const columns = new Map<string, string>();

/**
 * Writes Prisma's `where` as SQL. Supports only the conditions that lists use: equality, `in`, `gt`, `gte`, `lt`, `lte`, `startsWith` and `contains` (with
 * `mode`), AND, and OR of at least one. EXISTS is our own: see `Existing`.
 * @param values collects the parameters
 * @throws TypeError for any other condition
 */
export function condition(where: object, values: Values): string {
  let text = '';
  for (const field in where) {
    const test = (where as Record<string, unknown>)[field];
    if (test === undefined) continue;
    if (field === 'AND') text = and(text, allOf(test as object[], values));
    else if (field === 'OR') text = and(text, anyOf(test as object[], values));
    else if (field === 'EXISTS') text = and(text, exists(test as Existing, values));
    else text = compared(text, field, test, values);
  }
  return text || TRUE;
}

const TRUE = 'true';

/**
 * The condition that another table has a row with the same values in these fields. Without `where`, other conditions imply it, and it only leads to the
 * rows.
 */
export interface Existing {
  readonly table: string;
  /** The table of the list. */
  readonly of: string;
  /** The list's field of each field of the other table. */
  readonly by: Readonly<Record<string, string>>;
  /** Further conditions on the other table's row. */
  readonly where?: object;
}

function exists({ table, of, by, where = {} }: Existing, values: Values): string {
  values.markUnindexed();
  const same = Object.entries(by).map(([field, own]) => `${table}.${columnOf(field)} = ${of}.${columnOf(own)}`);
  return `EXISTS (SELECT FROM ${table} WHERE ${and(same.join(' AND '), condition(where, values))})`;
}

function and(text: string, further: string): string {
  if (further === TRUE) return text;
  return text === '' ? further : `${text} AND ${further}`;
}

function allOf(wheres: readonly object[], values: Values): string {
  let text = '';
  for (const where of wheres) text = and(text, condition(where, values));
  return text || TRUE;
}

function anyOf(wheres: readonly object[], values: Values): string {
  const past = pastOf(wheres);
  if (!past) return `(${wheres.map((where) => condition(where, values)).join(' OR ')})`;
  const { field, isDescending, value, sid } = past;
  return `(${columnOf(field)}, sid) ${isDescending ? '<' : '>'} (${values.add(value, field)}, ${values.add(sid, 'sid')})`;
}

/** A position in a list's order. */
interface Past {
  readonly field: string;
  readonly isDescending: boolean;
  readonly value: string | Date;
  readonly sid: string;
}

/** Recognizes the condition on rows past a position: `OR: [{ field: { gt: value } }, { field: value, sid: { gt: sid } }]`, or `lt`. */
export function pastOf(alternatives: readonly object[]): Past | undefined {
  const [past, same, ...further] = alternatives as Record<string, unknown>[];
  const [field = '', sidField, third] = Object.keys(same ?? {});
  if (!past || !same || further.length > 0 || sidField !== 'sid' || third !== undefined || Object.keys(past).join() !== field)
    return undefined;
  const value = same[field];
  if (typeof value !== 'string' && !(value instanceof Date)) return undefined;
  for (const operator of ['gt', 'lt'] as const) {
    const { [operator]: start, ...others } = past[field] as Record<string, unknown>;
    const { [operator]: sid, ...rest } = same.sid as Record<string, unknown>;
    if (start !== value || typeof sid !== 'string' || Object.keys({ ...others, ...rest }).length > 0) continue;
    return { field, isDescending: operator === 'lt', value, sid };
  }
  return undefined;
}

/** Adds a field's comparisons to a condition. */
function compared(text: string, field: string, test: unknown, values: Values): string {
  const column = columnOf(field);
  if (test === null) {
    values.markUnindexed();
    return and(text, `${column} IS NULL`);
  }
  if (typeof test !== 'object' || test instanceof Date) return and(text, `${column} = ${values.add(test, field)}`);
  const operators = test as Record<string, unknown>;
  let result = text;
  for (const operator in operators) {
    const value = operators[operator];
    if (operator !== 'mode' && value !== undefined)
      result = and(result, comparison(column, operator, value, operators.mode, field, values));
  }
  return result;
}

function comparison(column: string, operator: string, value: unknown, mode: unknown, field: string, values: Values): string {
  const like = mode === 'insensitive' ? 'ILIKE' : 'LIKE';
  switch (operator) {
    case 'in':
      return `${column} = ANY(${values.add(value, field)})`;
    case 'startsWith':
      values.markUnindexed();
      return `${column} ${like} ${values.add(`${value}%`, field)}`;
    case 'contains':
      values.markUnindexed();
      return `${column} ${like} ${values.add(`%${value}%`, field)}`;
    case 'gt':
      return `${column} > ${values.add(value, field)}`;
    case 'gte':
      return `${column} >= ${values.add(value, field)}`;
    case 'lt':
      return `${column} < ${values.add(value, field)}`;
    case 'lte':
      return `${column} <= ${values.add(value, field)}`;
    default:
      throw new TypeError(`Lists have no condition ${operator}`);
  }
}
