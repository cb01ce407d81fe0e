import { columnOf, condition, type Existing, type Values } from './conditions.ts';
import { rangeTexts } from './index-ranges.ts';
import { type OrderBy, orderTexts } from './orders.ts';
import {
  distinct,
  equalValues,
  hasTrigrams,
  isComparison,
  isContained,
  isEqual,
  isOn,
  isOperators,
  isRange,
  PARENT,
  type Part,
  partsOf,
  prefixesOf,
} from './where-parts.ts';

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
  /** An index of the owner and the trigrams of a field that only some databases have (by-text.ts). */
  readonly textIndex?: { readonly name: string; readonly field: string };
}

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
  const { parts, owners, others } = divided(table, where, parent);
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

/**
 * Splits a list's conditions into those on the owner and those to check on each row.
 * @param parent as above
 */
export function divided(table: Indexed, where: object, parent?: string) {
  const parts = distinct(partsOf(where));
  const owners = parts.filter((part) => isOn(part, table.owner));
  const others: Part[] = parts.filter((part) => !owners.includes(part) && !impliedBy(part));
  return { parts, owners, others: parent ? [{ [parent]: PARENT }, ...others] : others };
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
