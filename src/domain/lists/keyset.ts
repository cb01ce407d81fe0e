import { TooWideError, type Total } from '../../database/lists/bounds.ts';
import type { PackedRow, PackedRows, Packing } from '../../database/lists/packed.ts';
import type { NestedReads, Reads } from '../../database/lists/reads.ts';
import type { Range } from '../../database/lists/table.ts';
import type { Caller } from '../caller.ts';
import { SearchTooWideError } from '../errors.ts';
import { invalidParameter } from '../input.ts';
import { type CursorPosition, decodeCursor, encodeCursor, encodePackedCursor } from './cursors.ts';
import { Edge, PackedRowsPage, type Page, type PageContext, RowsPage } from './pages.ts';

/** The values to read of each row; all of them by default. */
export interface Selection {
  /** The fields to read. The fields of the order are also read. */
  fields?: readonly string[];
  /** The packing to read instead, if the caller accepts packed rows and the list can pack. */
  packed?: Packing;
}

/** The arguments of a page: forward (`first`, `after`), backward (`last`, `before`), or forward by `offset` for page numbers. */
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

/** A list that can be paged. */
export interface ListDefinition<Row extends { sid: string }, Field extends string> {
  /** Its name in cursors. */
  name: string;
  /** The column of each order field of the graph. */
  columns: Record<Field, keyof Row & string>;
  /** The version of an order whose column was given other values. Cursors of earlier versions are refused: other rows come before and after them now. */
  versions?: Partial<Record<Field, number>>;
}

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;
/** The largest pageSize (REST.md, Requests), for callers with the permission `large-pages`. */
export const MAX_LARGE_PAGE_SIZE = 1000;

/**
 * Reads one page of a list by keyset: a cursor holds the sort value and the sid of its row, and the page continues after that position whether or not
 * the row still exists. Every order ends in the sid, in the direction of the sort, so that one index serves both directions.
 *
 * An extra row tells whether more rows follow in the direction of paging. In the other direction, a given cursor implies that there are more.
 * @param filter conditions that must all hold
 * @throws InvalidInputError INVALID_PARAMETER for a page size out of range, a cursor of another list or order, or arguments that contradict each other;
 *   SearchTooWideError if too many rows would have to be read; UnpackableError if packed rows were requested and a value contains a separator
 */
export async function readPage<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  list: ListDefinition<Row, Field>,
  reads: Reads<Row>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
  { fields, packed }: Selection = {},
): Promise<Page<Row>> {
  const plan = planPage(caller, list, filter, order, page);
  const count = () => reads.count({ AND: filter });
  try {
    if (packed && reads.pack) return packedPage(plan, await reads.pack(plan.range, packed), count);
    return rowsPage(plan, await reads.find(plan.range, fields), count);
  } catch (error) {
    if (!(error instanceof TooWideError)) throw error;
    if (plan.size > 0 || plan.isContinuation) throw new SearchTooWideError();
    // Of a page of no rows, only the total is wanted, which shows as well whether there are rows.
    const total = await count();
    if (total.count === 0 && !total.isExact) throw new SearchTooWideError();
    const hasMore = total.count > 0;
    const context = { hasNextPage: hasMore && !plan.isBackward, hasPreviousPage: hasMore && plan.isBackward, total: async () => total };
    return packed
      ? new PackedRowsPage([], { ...context, cursorOf: plan.packedCursorOf })
      : new RowsPage([], { ...context, cursorOf: plan.cursorOf });
  }
}

/**
 * Reads the same page within each of many parents in one statement, and their counts, on request, in another.
 * @returns a page per parent, in the order of the parents; an error in place of one for which too many rows would have to be read
 * @throws as readPage
 */
export async function readPages<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  list: ListDefinition<Row, Field>,
  reads: NestedReads<Row>,
  filter: object[],
  order: Order<Field>,
  page: PageArguments,
  { fields, packed }: Selection = {},
): Promise<(Page<Row> | SearchTooWideError)[]> {
  const plan = planPage(caller, list, filter, order, page);
  let counts: Promise<Total[]> | undefined;
  const countAt = (index: number) => async () => {
    counts ??= reads.count({ AND: filter });
    return (await counts)[index] as Total;
  };
  if (packed) {
    const pages = await reads.pack(plan.range, packed);
    return pages.map((rows, index) => (rows instanceof TooWideError ? new SearchTooWideError() : packedPage(plan, rows, countAt(index))));
  }
  const pages = await reads.find(plan.range, fields);
  return pages.map((rows, index) => (rows instanceof TooWideError ? new SearchTooWideError() : rowsPage(plan, rows, countAt(index))));
}

/** The range of a page, and the conversion of its rows to a page. */
interface KeysetPlan<Row> {
  readonly range: Range;
  readonly cursorOf: (row: Row) => string;
  readonly packedCursorOf: (row: PackedRow) => string;
  readonly size: number;
  readonly isBackward: boolean;
  /** Whether the page continues after another one in the direction of paging. */
  readonly isContinuation: boolean;
}

function planPage<Row extends { sid: string }, Field extends string>(
  caller: Caller,
  { name, columns, versions }: ListDefinition<Row, Field>,
  filter: object[],
  { field, direction }: Order<Field>,
  page: PageArguments,
): KeysetPlan<Row> {
  const { size, isBackward, offset } = validated(caller, page);
  const column = columns[field];
  const cursorField = cursorFieldOf(field, versions);
  const after = page.after == null ? undefined : decodeCursor(page.after, name, cursorField, 'after');
  const before = page.before == null ? undefined : decodeCursor(page.before, name, cursorField, 'before');
  const isDescending = (direction === 'DESC') !== isBackward;

  const bounds: object[] = [];
  if (after) bounds.push(pastCursor(column, after, direction === 'DESC'));
  if (before) bounds.push(pastCursor(column, before, direction === 'ASC'));
  return {
    range: {
      where: { AND: [...filter, ...bounds] },
      orderBy: orderBy(column, isDescending ? 'desc' : 'asc'),
      take: size + 1,
      skip: offset,
    },
    cursorOf: (row) => encodeCursor(name, cursorField, row[column], row.sid),
    packedCursorOf: (row) => encodePackedCursor(name, cursorField, row.at(column === 'sid' ? -1 : -2) ?? '', row.at(-1) ?? ''),
    size,
    isBackward,
    isContinuation: isBackward ? before !== undefined : after !== undefined || offset > 0,
  };
}

/** Returns a row's edge in a list that is sorted by `field`, for a row that was not read as part of a page. */
export const edgeOf = <Row extends { sid: string }, Field extends string>(
  { name, columns, versions }: ListDefinition<Row, Field>,
  field: Field,
  row: Row,
): Edge<Row> => new Edge(row, () => encodeCursor(name, cursorFieldOf(field, versions), row[columns[field]], row.sid));

/** The order field as cursors name it. */
const cursorFieldOf = <Field extends string>(field: Field, versions: ListDefinition<never, Field>['versions']) =>
  versions?.[field] ? `${field}:${versions[field]}` : field;

const orders = new Map<string, Range['orderBy']>();

/** Returns the same object for the same order: the database caches texts by it. */
function orderBy(column: string, direction: 'asc' | 'desc'): Range['orderBy'] {
  const key = `${column} ${direction}`;
  let order = orders.get(key);
  if (!order) {
    order = column === 'sid' ? [{ sid: direction }] : [{ [column]: direction }, { sid: direction }];
    orders.set(key, order);
  }
  return order;
}

const rowsPage = <Row>(plan: KeysetPlan<Row>, rows: Row[], count: () => Promise<Total>): Page<Row> =>
  new RowsPage(nodesOf(plan, rows), pageContext(plan, rows, plan.cursorOf, count));

const packedPage = (plan: KeysetPlan<never>, { rows, total }: PackedRows, count: () => Promise<Total>): Page<never> =>
  new PackedRowsPage(
    nodesOf(plan, rows),
    pageContext(plan, rows, plan.packedCursorOf, total === undefined ? count : async () => ({ count: total, isExact: true })),
  );

/** Returns the rows without the extra one, in the list's order. */
function nodesOf<AnyRow>({ size, isBackward }: KeysetPlan<never>, rows: AnyRow[]): AnyRow[] {
  const nodes = rows.length > size ? rows.slice(0, size) : rows;
  return isBackward ? nodes.reverse() : nodes;
}

function pageContext<AnyRow>(
  { size, isBackward, isContinuation, range: { skip } }: KeysetPlan<never>,
  rows: readonly AnyRow[],
  cursorOf: (row: AnyRow) => string,
  count: () => Promise<Total>,
): PageContext<AnyRow> {
  const hasMore = rows.length > size;
  const seen = rows.length === 0 ? 0 : skip + rows.length;
  return {
    cursorOf,
    hasNextPage: isBackward ? isContinuation : hasMore,
    hasPreviousPage: isBackward ? hasMore : isContinuation,
    // A total that is not exact may be less than what was read just now.
    total: async () => {
      const total = await count();
      return total.isExact || total.count >= seen ? total : { count: seen, isExact: false };
    },
  };
}

/** @throws InvalidInputError INVALID_PARAMETER */
function validated(caller: Caller, page: PageArguments) {
  const { first, last, after, before, offset } = page;
  if (first != null && last != null) throw invalidParameter(['last'], 'cannot be combined with first');
  if (offset != null && (last != null || after != null || before != null)) {
    throw invalidParameter(['offset'], 'cannot be combined with last, after or before');
  }
  const max = caller.permissions.has('large-pages') ? MAX_LARGE_PAGE_SIZE : MAX_PAGE_SIZE;
  const name = last == null ? 'first' : 'last';
  const size = last ?? first ?? DEFAULT_PAGE_SIZE;
  if (size < 0 || size > max) throw invalidParameter([name], `must be from 0 to ${max}`, size);
  if (offset != null && offset < 0) throw invalidParameter(['offset'], 'must not be negative', offset);
  return { size, isBackward: last != null, offset: offset ?? 0 };
}

/** Makes the condition on rows past a cursor, which the database writes as `(column, sid) > (value, sid)`: an index that ends in the sid starts there. */
function pastCursor(column: string, { value, sid }: CursorPosition, isDescending: boolean) {
  const past = isDescending ? 'lt' : 'gt';
  if (column === 'sid') return { sid: { [past]: sid } };
  return { OR: [{ [column]: { [past]: value } }, { [column]: value, sid: { [past]: sid } }] };
}
