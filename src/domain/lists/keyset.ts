import type { PackedRow, Packing } from '../../database/lists/packed.ts';
import type { NestedReads, Reads } from '../../database/lists/reads.ts';
import type { Range } from '../../database/lists/select.ts';
import type { Caller } from '../caller.ts';
import { invalidParameter } from '../input.ts';
import { decodeCursor, encodeCursor, encodePackedCursor, type Place } from './cursors.ts';
import { PackedRowsPage, type Page, RowsPage, type Surroundings } from './pages.ts';

/** What is read of each row, where that is not all of it; the sort's columns come along. */
export interface Shown {
  fields?: readonly string[];
  /** The same, where the rows are wanted packed. */
  packed?: Packing;
}

/** How a page is asked for: forward (`first`, `after`), backward (`last`, `before`), or forward by `offset` for page numbers. */
export interface PageArguments {
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

/** One list: its name in cursors, and its sort columns by the graph's order fields. */
export interface Listed<Row extends { sid: string }, Field extends string> {
  name: string;
  columns: Record<Field, keyof Row & string>;
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
  list: Listed<Row, Field>,
  reads: Reads<Row>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
  { fields, packed }: Shown = {},
): Promise<Page<Row>> {
  const plan = planPage(caller, list, filter, order, page);
  const count = () => reads.count({ AND: filter });
  if (packed?.counted && reads.packCounted) {
    const { rows, total } = await reads.packCounted(plan.range, packed);
    return packedPage(plan, rows, async () => total);
  }
  if (packed && reads.pack) return packedPage(plan, await reads.pack(plan.range, packed), count);
  return rowsPage(plan, await reads.find(plan.range, fields), count);
}

/** The same page within each of many parents, by one statement, and their counts by another. @throws as readPage */
export async function readPages<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  list: Listed<Row, Field>,
  reads: NestedReads<Row>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
  { fields, packed }: Shown = {},
): Promise<Page<Row>[]> {
  const plan = planPage(caller, list, filter, order, page);
  let counts: Promise<number[]> | undefined;
  const countAt = (place: number) => async () => {
    counts ??= reads.count({ AND: filter });
    return (await counts)[place] ?? 0;
  };
  if (packed) return (await reads.pack(plan.range, packed)).map((rows, place) => packedPage(plan, rows, countAt(place)));
  return (await reads.find(plan.range, fields)).map((rows, place) => rowsPage(plan, rows, countAt(place)));
}

/** What one page is read by, and how it is shown. */
interface Plan<Row> {
  readonly range: Range;
  readonly cursorOf: (row: Row) => string;
  readonly packedCursorOf: (row: PackedRow) => string;
  readonly size: number;
  readonly backward: boolean;
  /** Is there anything in front of it, or behind it where it is paged backward? */
  readonly follows: boolean;
}

function planPage<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  { name, columns }: Listed<Row, Field>,
  filter: object[],
  { field, direction }: Order<Field>,
  page: PageArguments,
): Plan<Row> {
  const { size, backward, offset } = bounds(caller, page);
  const column = columns[field];
  const after = page.after == null ? undefined : decodeCursor(page.after, name, field, 'after');
  const before = page.before == null ? undefined : decodeCursor(page.before, name, field, 'before');
  const descending = (direction === 'DESC') !== backward;

  const places: object[] = [];
  if (after) places.push(beyond(column, after, direction === 'DESC'));
  if (before) places.push(beyond(column, before, direction === 'ASC'));
  return {
    range: { where: { AND: [...filter, ...places] }, orderBy: orderBy(column, descending ? 'desc' : 'asc'), take: size + 1, skip: offset },
    cursorOf: (row) => encodeCursor(name, field, row[column], row.sid),
    packedCursorOf: (row) => encodePackedCursor(name, field, row.at(column === 'sid' ? -1 : -2) ?? '', row.at(-1) ?? ''),
    size,
    backward,
    follows: backward ? before !== undefined : after !== undefined || offset > 0,
  };
}

const orders = new Map<string, Range['orderBy']>();

/** The same one for the same order: what is made of it is kept by it. */
function orderBy(column: string, way: 'asc' | 'desc'): Range['orderBy'] {
  const key = `${column} ${way}`;
  let order = orders.get(key);
  if (!order) {
    order = column === 'sid' ? [{ sid: way }] : [{ [column]: way }, { sid: way }];
    orders.set(key, order);
  }
  return order;
}

const rowsPage = <Row>(plan: Plan<Row>, rows: Row[], totalCount: () => Promise<number>): Page<Row> =>
  new RowsPage(shown(plan, rows), surroundings(plan, rows, plan.cursorOf, totalCount));

const packedPage = (plan: Plan<never>, rows: PackedRow[], totalCount: () => Promise<number>): Page<never> =>
  new PackedRowsPage(shown(plan, rows), surroundings(plan, rows, plan.packedCursorOf, totalCount));

/** The page's own rows, in the list's order. */
function shown<Any>({ size, backward }: Plan<never>, rows: Any[]): Any[] {
  const nodes = rows.length > size ? rows.slice(0, size) : rows;
  return backward ? nodes.reverse() : nodes;
}

function surroundings<Any>(
  { size, backward, follows }: Plan<never>,
  rows: readonly Any[],
  cursorOf: (row: Any) => string,
  totalCount: () => Promise<number>,
): Surroundings<Any> {
  const more = rows.length > size;
  return { cursorOf, hasNextPage: backward ? follows : more, hasPreviousPage: backward ? more : follows, totalCount };
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

/** `column >= value AND (column > value OR sid > sid)`: the form whose first part the index serves. */
function beyond(column: string, { value, sid }: Place, descending: boolean) {
  const [atOrBeyond, past] = descending ? (['lte', 'lt'] as const) : (['gte', 'gt'] as const);
  if (column === 'sid') return { sid: { [past]: sid } };
  return { AND: [{ [column]: { [atOrBeyond]: value } }, { OR: [{ [column]: { [past]: value } }, { sid: { [past]: sid } }] }] };
}
