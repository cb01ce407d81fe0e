/** The values of a statement's parameters. */
export class Values {
  readonly given: unknown[] = [];
  readonly types: string[] = [];
  readonly #fields: string[] = [];
  #isPlain = true;
  #lastTime: Date | undefined;
  #timeGiven = '';

  /** @param field what is compared with it */
  add(value: unknown, field?: string): string {
    if (field !== undefined) this.#fields.push(field);
    if (value instanceof Date) return this.#addTime(value);
    if (typeof value === 'number') this.types.push('int');
    else if (typeof value === 'string') this.types.push('text');
    else this.#isPlain = false;
    return `$${this.given.push(value)}`;
  }

  /** The same one again, as a cursor's is compared twice, is the same parameter. */
  #addTime(time: Date): string {
    if (time === this.#lastTime) return this.#timeGiven;
    this.types.push('timestamptz');
    this.#lastTime = time;
    this.#timeGiven = `$${this.given.push(time.toISOString())}`;
    return this.#timeGiven;
  }

  /** There is a condition that no index serves, or not for sure. */
  search(): void {
    this.#isPlain = false;
  }

  /** Is there nothing but texts, times and numbers, compared with these fields? */
  areOf(owner: string, parent: string | undefined, order: readonly string[]): boolean {
    return this.#isPlain && this.#fields.every((field) => field === owner || field === parent || order.includes(field));
  }
}

/** The schema's one rule of names: a column is its field in snake case. A test holds it against the database. */
export function quoted(field: string): string {
  let column = columns.get(field);
  if (column === undefined) {
    column = `"${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`;
    columns.set(field, column);
  }
  return column;
}

/** The model's fields, of which there are not many. */
const columns = new Map<string, string>();

/**
 * Prisma's `where` as SQL. Only the conditions that lists are made of are known: equality, `in`, `gt`, `gte`, `lt`, `lte`, `startsWith`, `contains`
 * (with `mode`), AND, and OR of at least one.
 * @throws TypeError for any other condition
 */
export function condition(where: object, values: Values): string {
  let text = '';
  for (const field in where) {
    const test = (where as Record<string, unknown>)[field];
    if (test === undefined) continue;
    if (field === 'AND') text = both(text, all(test as object[], values));
    else if (field === 'OR') text = both(text, any(test as object[], values));
    else text = compared(text, field, test, values);
  }
  return text || TRUE;
}

const TRUE = 'true';

function both(text: string, more: string): string {
  if (more === TRUE) return text;
  return text === '' ? more : `${text} AND ${more}`;
}

function all(wheres: readonly object[], values: Values): string {
  let text = '';
  for (const where of wheres) text = both(text, condition(where, values));
  return text || TRUE;
}

const any = (wheres: readonly object[], values: Values) => `(${wheres.map((where) => condition(where, values)).join(' OR ')})`;

/** The condition with a field's comparisons. */
function compared(text: string, field: string, test: unknown, values: Values): string {
  const column = quoted(field);
  if (test === null) {
    values.search();
    return both(text, `${column} IS NULL`);
  }
  if (typeof test !== 'object' || test instanceof Date) return both(text, `${column} = ${values.add(test, field)}`);
  const operators = test as Record<string, unknown>;
  let result = text;
  for (const operator in operators) {
    const value = operators[operator];
    if (operator !== 'mode' && value !== undefined)
      result = both(result, comparison(column, operator, value, operators.mode, field, values));
  }
  return result;
}

function comparison(column: string, operator: string, value: unknown, mode: unknown, field: string, values: Values): string {
  const like = mode === 'insensitive' ? 'ILIKE' : 'LIKE';
  switch (operator) {
    case 'in':
      return `${column} = ANY(${values.add(value, field)})`;
    case 'startsWith':
      values.search();
      return `${column} ${like} ${values.add(`${value}%`, field)}`;
    case 'contains':
      values.search();
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
