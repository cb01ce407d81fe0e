import type { PackedRow } from '../../database/lists/packed.ts';

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Made when asked for. */
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

export interface Page<Row> {
  /** Made when asked for, like their cursors. */
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  /** What there is in place of edges, where the rows were wanted packed. */
  readonly packed?: PackedPage;
  readonly pageInfo: PageInfo;
  /** Counts all rows that the filter matches, when asked. */
  totalCount: () => Promise<number>;
}

/** A page's rows, packed. */
export interface PackedPage {
  readonly rows: readonly PackedRow[];
  readonly cursorOf: (row: PackedRow) => string;
}

/** What lies around a page's rows. */
export interface Surroundings<Row> {
  readonly cursorOf: (row: Row) => string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly totalCount: () => Promise<number>;
}

// Classes, for an object with accessors of its own is made anew as a dictionary each time.

/** A page of rows. */
export class RowsPage<Row> implements Page<Row> {
  readonly #rows: readonly Row[];
  readonly #around: Surroundings<Row>;
  readonly totalCount: Page<Row>['totalCount'];

  constructor(rows: readonly Row[], around: Surroundings<Row>) {
    this.#rows = rows;
    this.#around = around;
    this.totalCount = around.totalCount;
  }

  get edges() {
    return this.#rows.map((node) => new Edge(node, this.#around.cursorOf));
  }

  get pageInfo() {
    return new RowsPageInfo(this.#rows, this.#around);
  }
}

/** A page of packed rows. */
export class PackedRowsPage implements Page<never> {
  readonly edges = [];
  readonly packed: PackedPage;
  readonly #around: Surroundings<PackedRow>;
  readonly totalCount: Page<never>['totalCount'];

  constructor(rows: readonly PackedRow[], around: Surroundings<PackedRow>) {
    this.packed = { rows, cursorOf: around.cursorOf };
    this.#around = around;
    this.totalCount = around.totalCount;
  }

  get pageInfo() {
    return new RowsPageInfo(this.packed.rows, this.#around);
  }
}

class RowsPageInfo<Row> implements PageInfo {
  readonly #rows: readonly Row[];
  readonly #cursorOf: (row: Row) => string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;

  constructor(rows: readonly Row[], { cursorOf, hasNextPage, hasPreviousPage }: Surroundings<Row>) {
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

class Edge<Row> {
  constructor(
    readonly node: Row,
    private readonly cursorOf: (node: Row) => string,
  ) {}

  get cursor(): string {
    return this.cursorOf(this.node);
  }
}
