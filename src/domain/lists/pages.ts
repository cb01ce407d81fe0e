import type { Total } from '../../database/lists/bounds.ts';
import type { PackedRow } from '../../database/lists/packed.ts';

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Encoded on access; `null` for an empty page. */
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** A page of a list, in the shape of Relay's connections. */
export interface Page<Row> {
  /** Created on access, like their cursors. Empty if the rows are packed. */
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  /** The rows, if they were read packed. */
  readonly packed?: PackedPage;
  readonly pageInfo: PageInfo;
  /** Counts the rows that match the filter; if that takes too long, those of a part. */
  totalCount: () => Promise<number>;
  /** Whether `totalCount` counts all of them. */
  totalCountIsExact: () => Promise<boolean>;
}

export interface PackedPage {
  readonly rows: readonly PackedRow[];
  readonly cursorOf: (row: PackedRow) => string;
}

/** The data of a page beyond its rows. */
export interface PageContext<Row> {
  readonly cursorOf: (row: Row) => string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly total: () => Promise<Total>;
}

// Classes, since V8 turns each object literal with accessors into a slow dictionary object (docs/performance.md).

/** A total that is counted when it is first asked for. */
class LazyTotal {
  readonly #count: () => Promise<Total>;
  #total: Promise<Total> | undefined;

  constructor(count: () => Promise<Total>) {
    this.#count = count;
  }

  readonly count = async (): Promise<number> => (await this.#get()).count;
  readonly isExact = async (): Promise<boolean> => (await this.#get()).isExact;

  #get(): Promise<Total> {
    this.#total ??= this.#count();
    return this.#total;
  }
}

export class RowsPage<Row> implements Page<Row> {
  readonly #rows: readonly Row[];
  readonly #context: PageContext<Row>;
  readonly totalCount: Page<Row>['totalCount'];
  readonly totalCountIsExact: Page<Row>['totalCountIsExact'];

  constructor(rows: readonly Row[], context: PageContext<Row>) {
    this.#rows = rows;
    this.#context = context;
    const total = new LazyTotal(context.total);
    this.totalCount = total.count;
    this.totalCountIsExact = total.isExact;
  }

  get edges() {
    return this.#rows.map((node) => new Edge(node, this.#context.cursorOf));
  }

  get pageInfo() {
    return new RowsPageInfo(this.#rows, this.#context);
  }
}

export class PackedRowsPage implements Page<never> {
  readonly edges = [];
  readonly packed: PackedPage;
  readonly #context: PageContext<PackedRow>;
  readonly totalCount: Page<never>['totalCount'];
  readonly totalCountIsExact: Page<never>['totalCountIsExact'];

  constructor(rows: readonly PackedRow[], context: PageContext<PackedRow>) {
    this.packed = { rows, cursorOf: context.cursorOf };
    this.#context = context;
    const total = new LazyTotal(context.total);
    this.totalCount = total.count;
    this.totalCountIsExact = total.isExact;
  }

  get pageInfo() {
    return new RowsPageInfo(this.packed.rows, this.#context);
  }
}

class RowsPageInfo<Row> implements PageInfo {
  readonly #rows: readonly Row[];
  readonly #cursorOf: (row: Row) => string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;

  constructor(rows: readonly Row[], { cursorOf, hasNextPage, hasPreviousPage }: PageContext<Row>) {
    this.#rows = rows;
    this.#cursorOf = cursorOf;
    this.hasNextPage = hasNextPage;
    this.hasPreviousPage = hasPreviousPage;
  }

  get startCursor() {
    const [first] = this.#rows;
    return first === undefined ? null : this.#cursorOf(first);
  }

  get endCursor() {
    const last = this.#rows.at(-1);
    return last === undefined ? null : this.#cursorOf(last);
  }
}

/** A row and its position in a list, encoded on access. */
export class Edge<Row> {
  constructor(
    readonly node: Row,
    private readonly cursorOf: (node: Row) => string,
  ) {}

  get cursor(): string {
    return this.cursorOf(this.node);
  }
}
