import type { Caller } from './caller.ts';
import { invalidParameter } from './input.ts';

/** How a page is asked for: forward (`first`, `after`), backward (`last`, `before`), or forward by `offset` for page numbers. */
export interface PageArguments {
  /** What is read of each row, where that is not all of it; the sort's columns come along. */
  fields?: readonly string[];
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  offset?: number | null;
}

export interface Order<Field extends string> {
  field: Field;
  direction: 'ASC' | 'DESC';
}

export interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

export interface Page<Row> {
  /** Made when asked for, like their cursors. */
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  readonly pageInfo: PageInfo;
  /** Counts all rows that the filter matches, when asked. */
  totalCount: () => Promise<number>;
}

/** What findMany is given: every list is read by this and nothing else. */
export interface Range {
  where: { AND: object[] };
  orderBy: Record<string, 'asc' | 'desc'>[];
  take: number;
  skip: number;
}

/** One list: its name in cursors, and its sort columns by the graph's order fields. */
export interface Listed<Row extends { sid: string }, Field extends string> {
  name: string;
  columns: Record<Field, keyof Row & string>;
}

/** And how its rows are read and counted. */
export interface List<Row extends { sid: string }, Field extends string> extends Listed<Row, Field> {
  find: (range: Range, fields?: readonly string[]) => Promise<Row[]>;
  count: (where: { AND: object[] }) => Promise<number>;
}

/** And how they are read and counted within each of many parents. */
export interface NestedList<Row extends { sid: string }, Field extends string> extends Listed<Row, Field> {
  find: (range: Range, fields?: readonly string[]) => Promise<Row[][]>;
  count: (where: { AND: object[] }) => Promise<number[]>;
}

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;
/** REST.md, Requests: pageSize is at most 1000. */
export const MAX_LARGE_PAGE_SIZE = 1000;

/**
 * Reads one page of a list by keyset: a cursor holds the sort value and the sid of its row, and the page continues behind
 * that place whether or not the row still exists. Every order ends in sid, in the direction of the sort, so one index serves it both ways.
 * What lies beyond the page is looked up in the direction of the paging; of the other direction, a given cursor counts as a row.
 * @throws InvalidInputError INVALID_PARAMETER for a page size out of range, a cursor of another list or order, or arguments that contradict
 *   each other.
 */
export async function readPage<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  list: List<Row, Field>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
): Promise<Page<Row>> {
  const { range, pageOf } = planPage(caller, list, filter, order, page);
  return pageOf(await list.find(range, page.fields), () => list.count({ AND: filter }));
}

/** The same page within each of many parents, by one statement, and their counts by another. @throws as readPage */
export async function readPages<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  list: NestedList<Row, Field>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
): Promise<Page<Row>[]> {
  const { range, pageOf } = planPage(caller, list, filter, order, page);
  let counts: Promise<number[]> | undefined;
  const count = async (place: number) => {
    counts ??= list.count({ AND: filter });
    return (await counts)[place] ?? 0;
  };
  return (await list.find(range, page.fields)).map((rows, place) => pageOf(rows, () => count(place)));
}

function planPage<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  list: Listed<Row, Field>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
) {
  const { size, backward, offset } = bounds(caller, page);
  const column = list.columns[order.field];
  const after = page.after == null ? undefined : decodeCursor(page.after, list.name, order.field, 'after');
  const before = page.before == null ? undefined : decodeCursor(page.before, list.name, order.field, 'before');
  const descending = (order.direction === 'DESC') !== backward;
  const direction = descending ? 'desc' : 'asc';

  const places: object[] = [];
  if (after) places.push(beyond(column, after, order.direction === 'DESC'));
  if (before) places.push(beyond(column, before, order.direction === 'ASC'));
  const range: Range = {
    where: { AND: [...filter, ...places] },
    orderBy: column === 'sid' ? [{ sid: direction }] : [{ [column]: direction }, { sid: direction }],
    take: size + 1,
    skip: offset,
  };
  const cursorOf = (node: Row) => encodeCursor(list.name, order.field, node[column], node.sid);

  function pageOf(rows: Row[], totalCount: () => Promise<number>): Page<Row> {
    const more = rows.length > size;
    const nodes = more ? rows.slice(0, size) : rows;
    if (backward) nodes.reverse();
    return {
      get edges() {
        return nodes.map((node) => new Edge(node, cursorOf));
      },
      get pageInfo() {
        const [first, last] = [nodes[0], nodes.at(-1)];
        return {
          hasNextPage: backward ? before !== undefined : more,
          hasPreviousPage: backward ? more : after !== undefined || offset > 0,
          startCursor: first ? cursorOf(first) : null,
          endCursor: last ? cursorOf(last) : null,
        };
      },
      totalCount,
    };
  }
  return { range, pageOf };
}

class Edge<Row> {
  constructor(
    readonly node: Row,
    private readonly cursorOf: (node: Row) => string,
  ) {}

  get cursor(): string {
    return this.cursorOf(this.node);
  }
}

function bounds(caller: Caller, page: PageArguments) {
  const { first, last, after, before, offset } = page;
  if (first != null && last != null) throw invalidParameter(['last'], 'must not be given together with first');
  if (offset != null && (last != null || after != null || before != null)) {
    throw invalidParameter(['offset'], 'pages by first alone; it must not be given together with last, after or before');
  }
  const max = caller.permissions.has('large-pages') ? MAX_LARGE_PAGE_SIZE : MAX_PAGE_SIZE;
  const name = last == null ? 'first' : 'last';
  const size = last ?? first ?? DEFAULT_PAGE_SIZE;
  if (size < 0 || size > max) throw invalidParameter([name], `must be from 0 to ${max}`, size);
  if (offset != null && offset < 0) throw invalidParameter(['offset'], 'must not be negative', offset);
  return { size, backward: last != null, offset: offset ?? 0 };
}

interface Place {
  value: string | Date;
  sid: string;
}

/** `column >= value AND (column > value OR sid > sid)`: the form whose first part the index serves. */
function beyond(column: string, { value, sid }: Place, descending: boolean) {
  const [atOrBeyond, past] = descending ? (['lte', 'lt'] as const) : (['gte', 'gt'] as const);
  if (column === 'sid') return { sid: { [past]: sid } };
  return { AND: [{ [column]: { [atOrBeyond]: value } }, { OR: [{ [column]: { [past]: value } }, { sid: { [past]: sid } }] }] };
}

/** A cursor is opaque to callers: base64url of `[list, order field, sort value, sid]`, times in ms since the epoch. */
function encodeCursor(list: string, field: string, value: unknown, sid: string): string {
  return Buffer.from(JSON.stringify([list, field, value instanceof Date ? value.getTime() : value, sid])).toString('base64url');
}

function decodeCursor(cursor: string, list: string, field: string, parameter: string): Place {
  const parts = parseCursor(cursor);
  if (parts?.[0] !== list) throw invalidParameter([parameter], 'is not a cursor of this list', cursor);
  const [, cursorField, value, sid] = parts;
  if (cursorField !== field) throw invalidParameter([parameter], `is a cursor of the order ${cursorField}, not ${field}`, cursor);
  return { value: typeof value === 'number' ? new Date(value) : value, sid };
}

/** The years 1 to 9999, in ms since the epoch: what every database and format here can hold. */
const MIN_TIME = Date.parse('0001-01-01T00:00:00Z');
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function parseCursor(cursor: string): [list: string, field: string, value: string | number, sid: string] | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [list, field, value, sid] = parts as unknown[];
  const isText = (part: unknown): part is string => typeof part === 'string' && !part.includes('\0') && part.isWellFormed();
  if (typeof list !== 'string' || !isText(field) || !/^[A-Z_]+$/.test(field) || !isText(sid)) return undefined;
  const isTime = field === 'DATE_CREATED';
  if (isTime ? !(Number.isInteger(value) && (value as number) >= MIN_TIME && (value as number) <= MAX_TIME) : !isText(value))
    return undefined;
  return [list, field, value as string | number, sid];
}
