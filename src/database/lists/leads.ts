import { columnOf, condition, type Existing, pastOf, type Values } from './conditions.ts';
import { type OrderBy, orderTexts } from './orders.ts';

// A list's conditions either lead to its rows by an index, or are checked on each row that the index leads to. Which ones lead is decided here, not by
// PostgreSQL's estimates: what is then read can be bounded.

/** An index of a list's table: the owner, perhaps a field that is compared for equality, and the field that the rows are sorted by. */
interface ListIndex {
  readonly by?: string;
  /** Given if the index has only the rows with this value. */
  readonly only?: { readonly field: string; readonly value: unknown };
  /** The condition of a partial index, as SQL. */
  readonly where?: string;
  readonly order: string;
  /** Whether the rows lie together in the table, as they do in the order of their creation. Reading others costs several times as much. */
  readonly isDense?: true;
  /** Given if the index does not begin with the owner: the table in which the owner of `by` is found, by its sid. */
  readonly ownersIn?: string;
}

/** What a table's leads are made of. */
export interface Indexed {
  readonly name: string;
  readonly owner?: string;
  /** Those that lead to the fewest rows first. The last ones have neither `by` nor `only`. */
  readonly indexes?: readonly ListIndex[];
  /** The fields with a trigram index. */
  readonly trigrams?: readonly string[];
  /** The fields of few different texts, with an index of the owner, a text's digest and the `order`. */
  readonly digests?: { readonly fields: readonly string[]; readonly order: string };
}

/** A condition on one field, as in Prisma's `where`. */
type Part = Readonly<Record<string, unknown>>;

/** Where a walk along an index begins. */
interface WalkStart {
  readonly operator: '>=' | '<=';
  /** The value of the order's field, as SQL. */
  readonly value: string;
}

/** A way to a list's rows. */
export interface Lead {
  /** Whether it leads to the rows in the order of the range. */
  readonly isOrdered: boolean;
  readonly isDense: boolean;
  /** Whether it leads to the rows of `parent.sid`. */
  readonly isOfParent: boolean;
  /** The conditions to check on each row. */
  readonly rest: readonly Part[];
  /** The order of the walk as SQL, '' for none. It keeps the order of the range if the lead is ordered. */
  readonly order: string;
  /** The same without the sid, which not every index has. */
  readonly indexOrder: string;
  /** Makes the condition on the rows of an ordered lead: all of them, or those from a place on. */
  readonly where: (values: Values, from?: WalkStart) => string;
  /**
   * Makes the statements, to be united, that lead to the rows: what follows SELECT's list, without a LIMIT.
   * @param isCounted whether rows are only counted. Their order then ends without the sid, which not every index has.
   */
  readonly walks: (values: Values, bound: string, isCounted?: boolean) => string[];
}

/**
 * Finds the leads to a range's rows: first those in its order, then others.
 * @param parent the field whose value is the column `parent.sid` of an outer statement
 */
export function leadsOf(table: Indexed, where: object, orderBy: OrderBy, parent?: string): readonly Lead[] {
  const parts = distinct(partsOf(where));
  const owners = parts.filter((part) => isOn(part, table.owner));
  const others = [...(parent ? [{ [parent]: PARENT }] : []), ...parts.filter((part) => !owners.includes(part) && !impliedBy(part))];
  const orderField = orderTexts(orderBy).fields[0] as string;
  const direction = orderBy[0]?.[orderField] === 'desc' ? 'DESC' : 'ASC';
  const ordered: Lead[] = [];
  const unordered: Lead[] = [];
  /** All rows, which are few enough if the owner is small. */
  const all: Lead[] = [];
  for (const index of table.indexes ?? []) {
    const isOrdered = index.order === orderField;
    const way = wayOf(index, others, isOrdered);
    if (!way) continue;
    if (isOrdered && way.values.length === 1) ordered.push(leadAlong(table, index, way, owners, others, direction, true));
    else if (!index.by && !index.only && !way.ranges.some((part) => !('OR' in part))) {
      if (index.isDense) all.push(leadAlong(table, index, way, owners, others, direction, false));
    } else unordered.push(leadAlong(table, index, way, owners, others, direction, false));
    const union = others.find((part) => prefixesOf(part, index.order));
    if (union && !index.by && !index.only) unordered.push(leadAlong(table, index, { ...way, union }, owners, others, direction, false));
  }
  return [...ordered, ...unordered, ...(parent ? [] : sets(table, parts, owners, others)), ...all];
}

/** Whether no row matches: nothing is among no values, and no field equals two. */
export function matchesNothing(where: object): boolean {
  const equal = new Map<string, unknown[]>();
  for (const part of partsOf(where)) {
    for (const [field, test] of Object.entries(part)) {
      if (isOperators(test) && Array.isArray(test.in) && test.in.length === 0) return true;
      const values = equalValues(part, field);
      if (!values) continue;
      const common = equal.get(field)?.filter((value) => values.includes(value)) ?? values;
      if (common.length === 0) return true;
      equal.set(field, common);
    }
  }
  return false;
}

/** Whether one row at most matches, found by its sid. */
export const isOneRow = (where: object): boolean => partsOf(where).some(({ sid }) => typeof sid === 'string');

/** In place of a value: the column `parent.sid`. */
const PARENT = Symbol('parent.sid');

/** The conditions that an index serves. */
interface Way {
  readonly equal?: Part;
  /** The values of `by`, one walk for each. */
  readonly values: readonly unknown[];
  readonly only?: Part;
  readonly ranges: readonly Part[];
  /** A condition of several beginnings, one walk for each. */
  readonly union?: Part;
}

/** Returns what an index serves of the conditions; `undefined` if they lack what it needs. */
function wayOf({ by, only, order }: ListIndex, parts: readonly Part[], isOrdered: boolean): Way | undefined {
  const equal = by === undefined ? undefined : parts.find((part) => equalValues(part, by));
  if (by !== undefined && !equal) return undefined;
  const partial = only && parts.find((part) => part[only.field] === only.value);
  if (only && !partial) return undefined;
  const values = equal ? (equalValues(equal, by as string) as unknown[]) : [undefined];
  return { equal, values, only: partial, ranges: parts.filter((part) => isRange(part, order) || (isOrdered && isEqual(part, order))) };
}

function leadAlong(
  table: Indexed,
  { by, where: partialWhere, order, ownersIn, isDense }: ListIndex,
  { equal, values, only: partial, ranges, union }: Way,
  owners: readonly Part[],
  others: readonly Part[],
  direction: string,
  isOrdered: boolean,
): Lead {
  const served = new Set([equal, partial, union, ...ranges]);
  const sortBy = (fields: readonly string[]) => fields.map((field) => `${columnOf(field)} ${direction}`).join(', ');
  const indexed = [...(by ? [by] : []), order];
  const sort = sortBy([...indexed, 'sid']);
  const branches = union ? (prefixesOf(union, order) as string[]) : [undefined];
  const where = (value: unknown, prefix: string | undefined, into: Values, start?: WalkStart) => {
    const texts = [condition({ AND: owners }, into)];
    if (partialWhere) texts.push(partialWhere);
    const place = by && (value === PARENT ? 'parent.sid' : into.add(value));
    if (ownersIn && value !== PARENT) {
      const owner = into.add(owners[0]?.[table.owner as string]);
      // Evaluated once, so that another owner's rows are never walked over.
      texts.push(`EXISTS (SELECT FROM ${ownersIn} WHERE sid = ${place} AND ${columnOf(table.owner as string)} = ${owner})`);
    }
    texts.push(...rangeTexts(by, place, order, ranges, prefix, into));
    if (start) {
      const { operator, value: at } = start;
      const column = columnOf(order);
      texts.push(by ? `(${columnOf(by)}, ${column}) ${operator} (${place}, ${at})` : `${column} ${operator} ${at}`);
    }
    return texts.filter((text) => text !== 'true').join(' AND ') || 'true';
  };
  const walk = (value: unknown, prefix: string | undefined, into: Values, isCounted: boolean | undefined) =>
    `FROM ${table.name} WHERE ${where(value, prefix, into)} ORDER BY ${isCounted ? sortBy(indexed) : sort}`;
  return {
    isOrdered,
    isDense: isDense === true,
    isOfParent: values[0] === PARENT,
    rest: others.filter((part) => !served.has(part)),
    order: sort,
    indexOrder: sortBy(indexed),
    where: (into, start) => where(values[0], branches[0], into, start),
    walks: (into, _, isCounted) => values.flatMap((value) => branches.map((prefix) => walk(value, prefix, into, isCounted))),
  };
}

/** Writes the conditions to check on each row. */
export function restText(rest: readonly Part[], values: Values): string {
  const texts = rest.map((part) => {
    const [field] = Object.entries(part).find(([, value]) => value === PARENT) ?? [];
    return field === undefined ? condition(part, values) : `${columnOf(field)} = parent.sid`;
  });
  return texts.join(' AND ') || 'true';
}

/**
 * Writes the range of an index. Neither the field before the order nor the order's own is compared by `=`: PostgreSQL would ignore it in ORDER BY, and
 * could then walk along an index that does not have it.
 * @param place the value of `by` as SQL
 */
function rangeTexts(
  by: string | undefined,
  place: string | undefined,
  order: string,
  ranges: readonly Part[],
  prefix: string | undefined,
  values: Values,
): string[] {
  const texts: string[] = [];
  const column = columnOf(order);
  // Without a field before the order, a cursor's own condition is where the index starts.
  const { from, to, before } = boundsOf(by === undefined ? ranges.filter((part) => !pastIn(part)) : ranges, order, prefix);
  if (by !== undefined) {
    texts.push(
      from === undefined ? `${columnOf(by)} >= ${place}` : `(${columnOf(by)}, ${column}) >= (${place}, ${values.add(from)})`,
      to === undefined ? `${columnOf(by)} <= ${place}` : `(${columnOf(by)}, ${column}) <= (${place}, ${values.add(to)})`,
    );
  } else {
    if (from !== undefined) texts.push(`${column} >= ${values.add(from)}`);
    if (to !== undefined) texts.push(`${column} <= ${values.add(to)}`);
  }
  if (before !== undefined) texts.push(`${column} < ${values.add(before)}`);
  for (const range of ranges) if (prefixOf(range, order) === undefined && !isEqual(range, order)) texts.push(condition(range, values));
  return texts;
}

type Comparable = string | Date;

/** The narrowest bounds of all ranges. `before` is exclusive. */
function boundsOf(
  ranges: readonly Part[],
  order: string,
  branch: string | undefined,
): { from?: Comparable; to?: Comparable; before?: string } {
  let from: Comparable | undefined;
  let to: Comparable | undefined;
  let before: string | undefined;
  const atLeast = (value: Comparable) => {
    if (from === undefined || isLess(from, value)) from = value;
  };
  const atMost = (value: Comparable) => {
    if (to === undefined || isLess(value, to)) to = value;
  };
  for (const prefix of [branch, ...ranges.map((range) => prefixOf(range, order))]) {
    if (prefix === undefined) continue;
    atLeast(prefix);
    const next = afterPrefix(prefix);
    if (next !== undefined && (before === undefined || isLess(next, before))) before = next;
  }
  for (const range of ranges) {
    const past = pastIn(range);
    if (past) (past.isDescending ? atMost : atLeast)(past.value);
    if (isEqual(range, order)) {
      atLeast(range[order] as string);
      atMost(range[order] as string);
    }
    const { gte, gt, lte, lt } = (range[order] ?? {}) as Record<string, Comparable | undefined>;
    for (const value of [gte, gt]) if (value !== undefined) atLeast(value);
    for (const value of [lte, lt]) if (value !== undefined) atMost(value);
  }
  return { from, to, before };
}

/** Compares as PostgreSQL does: texts by the bytes of UTF-8. */
const isLess = (one: Comparable, other: Comparable): boolean =>
  typeof one === 'string' ? Buffer.compare(Buffer.from(one), Buffer.from(other as string)) < 0 : one < other;

/** Returns the least text that is greater than all with this prefix; `undefined` if there is none. */
function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // Surrogates are no characters.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

/** The rows of another table that other conditions imply: they are no condition of their own, but lead to the rows. */
const impliedBy = ({ EXISTS }: Part) => {
  const existing = EXISTS as Existing | undefined;
  return existing && !existing.where ? existing : undefined;
};

/** The leads by sets of sids, which other tables, indexes of digests and trigram indexes have. */
function sets(table: Indexed, parts: readonly Part[], owners: readonly Part[], others: readonly Part[]): readonly Lead[] {
  const lead = (sids: (values: Values, bound: string) => string): Lead => ({
    isOrdered: false,
    isDense: false,
    isOfParent: false,
    rest: others,
    order: '',
    indexOrder: '',
    where: (values) => condition({ AND: owners }, values),
    walks: (values, bound) => [
      `FROM ${table.name} WHERE ${condition({ AND: owners }, values)} AND sid = ANY (ARRAY(${sids(values, bound)}))`,
    ],
  });
  const existing = parts.flatMap((part) => impliedBy(part) ?? []);
  return [
    ...existing.map(({ table: other, by }) =>
      lead((values, bound) => {
        const fieldOf = (own: string | undefined) => columnOf(Object.keys(by).find((field) => by[field] === own) as string);
        const owner = values.add(owners[0]?.[table.owner as string]);
        return `SELECT ${fieldOf('sid')} FROM ${other} WHERE ${fieldOf(table.owner)} = ${owner} LIMIT ${bound}`;
      }),
    ),
    ...others
      .filter((part) => table.digests?.fields.some((field) => isContained(part[field])))
      .map((part) => lead((values, bound) => digestedText(table, part, owners, others, values, bound))),
    ...others
      .filter((part) => hasTrigrams(part, table.trigrams ?? []))
      .map((part) =>
        lead((values, bound) => {
          const isKept = 'OR' in part ? '' : ` AND ${columnOf(Object.keys(part)[0] as string)} IS NOT NULL`;
          // PostgreSQL plans it as if all of it were read, so along the trigram index, and reads only as much as is needed.
          const hits = `SELECT sid FROM ${table.name} WHERE ${condition({ AND: [...owners, part] }, values)}${isKept}`;
          return `WITH hits AS MATERIALIZED (${hits}) SELECT sid FROM hits LIMIT ${bound}`;
        }),
      ),
  ];
}

/** How many different texts of a field are looked at. */
const MAX_TEXTS = 1000;

/**
 * Makes the statement of the sids of the rows whose field contains a text: hops from one of the field's texts to the next, and reads the rows of those that
 * match. If there are too many texts, all rows of those that remain are among them.
 */
function digestedText(
  { name, digests }: Indexed,
  part: Part,
  owners: readonly Part[],
  others: readonly Part[],
  values: Values,
  bound: string,
): string {
  const [field] = Object.keys(part) as [string];
  const column = columnOf(field);
  const digest = `md5(${column})::uuid`;
  const kept = `${condition({ AND: owners }, values)} AND ${column} IS NOT NULL`;
  const window = condition({ AND: others.filter((other) => digests && isComparison(other[digests.order])) }, values);
  const next = (after: string, place: string) =>
    `(SELECT ${digest} AS digest, ${column} AS text, ${place} AS place FROM ${name} WHERE ${kept}${after} ORDER BY ${digest} LIMIT 1)`;
  const rows = (isAmong: string, when: string) =>
    `(SELECT sid FROM ${name} WHERE ${kept} AND ${isAmong} AND ${window} AND ${when} LIMIT ${bound})`;
  return `WITH RECURSIVE texts AS (${next('', '1')} UNION ALL
      SELECT next.* FROM texts CROSS JOIN LATERAL ${next(` AND ${digest} > texts.digest`, 'texts.place + 1')} AS next WHERE texts.place <= ${MAX_TEXTS}
    ) SELECT found.sid FROM texts CROSS JOIN LATERAL (${rows(`${digest} = texts.digest`, `texts.place <= ${MAX_TEXTS}`)} UNION ALL
      ${rows(`${digest} >= texts.digest`, `texts.place > ${MAX_TEXTS}`)}) AS found
    WHERE texts.place > ${MAX_TEXTS} OR ${condition({ text: part[field] }, values)} LIMIT ${bound}`;
}

/** Splits a `where` into its conditions on single fields. A row matches if it meets them all. */
function partsOf(where: object): Part[] {
  return Object.entries(where).flatMap(([field, test]): Part[] => {
    if (test === undefined) return [];
    if (field === 'AND') return (test as object[]).flatMap(partsOf);
    return isVoid(test) ? [] : [{ [field]: test }];
  });
}

/** Leaves out repeated equalities of one field with one text. */
const distinct = (parts: readonly Part[]) =>
  parts.filter((part, at) => {
    const [[field, test] = ['', undefined], ...further] = Object.entries(part);
    return typeof test !== 'string' || further.length > 0 || !parts.slice(0, at).some((earlier) => earlier[field] === test);
  });

const isEqual = (part: Part, field: string) => typeof part[field] === 'string';

const isVoid = (test: unknown) => isOperators(test) && Object.values(test).every((value) => value === undefined);

const isOperators = (test: unknown): test is Record<string, unknown> =>
  typeof test === 'object' && test !== null && !(test instanceof Date) && !Array.isArray(test);

const isOn = (part: Part, field: string | undefined) => field !== undefined && field in part && !isOperators(part[field]);

/** The values that a condition compares the field with for equality. */
function equalValues(part: Part, field: string): unknown[] | undefined {
  const test = part[field];
  if (typeof test === 'string' || test === PARENT) return [test];
  if (isOperators(test) && Array.isArray(test.in) && test.in.length > 0) return [...new Set(test.in)];
  return undefined;
}

const RANGE = new Set(['gte', 'gt', 'lte', 'lt']);

/** The position of a cursor, if the condition is on the rows past it. */
const pastIn = (part: Part) => ('OR' in part ? pastOf(part.OR as Part[]) : undefined);

/** Whether an index in this order starts or ends at the condition. */
function isRange(part: Part, order: string): boolean {
  if (prefixOf(part, order) !== undefined) return true;
  if ('OR' in part) return pastIn(part)?.field === order;
  return order in part && isComparison(part[order]);
}

const isContained = (test: unknown) => isOperators(test) && typeof test.contains === 'string';

const isComparison = (test: unknown) =>
  isOperators(test) && Object.entries(test).every(([operator, value]) => RANGE.has(operator) || value === undefined);

/** The text that a condition requires the field to begin with. */
function prefixOf(part: Part, field: string): string | undefined {
  const test = part[field];
  if (!isOperators(test) || typeof test.startsWith !== 'string' || Object.keys(test).length > 1) return undefined;
  return unescaped(test.startsWith);
}

/** Returns the prefixes if a condition requires one of several. Leaves out each that begins with another one, whose rows include its own. */
function prefixesOf(part: Part, field: string): string[] | undefined {
  if (!('OR' in part)) return undefined;
  const prefixes = (part.OR as Part[]).map((one) => prefixOf(one, field));
  if (prefixes.some((prefix) => prefix === undefined)) return undefined;
  const distinct = [...new Set(prefixes as string[])];
  return distinct.filter((prefix) => !distinct.some((other) => other !== prefix && prefix.startsWith(other)));
}

const unescaped = (operand: string) => operand.replace(/\\(.)/gs, '$1');

/** Whether a trigram index leads to the rows: of fewer than three letters in a row, it has nothing. */
function hasTrigrams(part: Part, fields: readonly string[]): boolean {
  if ('OR' in part) return (part.OR as Part[]).every((one) => hasTrigrams(one, fields));
  return Object.entries(part).every(([field, test]) => {
    const text = isOperators(test) ? test.contains : undefined;
    return fields.includes(field) && typeof text === 'string' && /[\p{L}\p{N}]{3}/u.test(unescaped(text));
  });
}
