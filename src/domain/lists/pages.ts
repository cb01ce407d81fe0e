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
  /** Counts all rows that match the filter. */
  totalCount: () => Promise<number>;
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
  readonly totalCount: () => Promise<number>;
}

// Classes, since V8 turns each object literal with accessors into a slow dictionary object (docs/performance.md).

export class RowsPage<Row> implements Page<Row> {
  readonly #rows: readonly Row[];
  readonly #context: PageContext<Row>;
  readonly totalCount: Page<Row>['totalCount'];

  constructor(rows: readonly Row[], context: PageContext<Row>) {
    this.#rows = rows;
    this.#context = context;
    this.totalCount = context.totalCount;
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

  constructor(rows: readonly PackedRow[], context: PageContext<PackedRow>) {
    this.packed = { rows, cursorOf: context.cursorOf };
    this.#context = context;
    this.totalCount = context.totalCount;
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
