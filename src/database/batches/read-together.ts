import { LRUCache } from 'lru-cache';
import type { QueryResultRow } from 'pg';
import { arraysOf, distribute, gather, MAX_BATCH_SIZE, type PlacedRow, type Query, type WaitingStatement } from './gather.ts';

/** A reading statement. Statements that differ only in their values can run as one. */
interface Read {
  /** Refers to its values as $1, $2, … and contains no other dollar sign. */
  readonly text: string;
  readonly values: readonly unknown[];
  /** The PostgreSQL type of each value. Text is compared by the collation "C", as this schema's columns are. */
  readonly types: readonly string[];
  /** The order of its rows, of columns as `found."…"`; absent for a statement of at most one row. */
  readonly order?: string;
  /** The maximum number of rows that it returns. */
  readonly maxRows: number;
}

export type ReadTogether = <Row extends QueryResultRow>(statement: Read) => Promise<Row[]>;

type WaitingRead = Read & WaitingStatement;

/** How many rows one batch may return: while PostgreSQL reads the next batch, this process works on the last. */
const MAX_BATCH_ROWS = 250;

/** How many batched texts are cached. There are few unless a client varies its filters on purpose. */
const MAX_TEXTS = 500;

/**
 * Runs the statements of one text that arrive in one turn of the event loop as one statement. If it fails, each runs alone, so that only the one at
 * fault fails.
 */
export function createReadTogether(read: Query): ReadTogether {
  const batchedTexts = new LRUCache<string, string>({ max: MAX_TEXTS });
  const add = gather<WaitingRead>(runBatch, batchSize);

  async function runBatch(batch: readonly WaitingRead[]): Promise<void> {
    if (batch.length > 1) {
      try {
        return distribute(batch, await read<PlacedRow>(batchedTextOf(batch[0] as Read), arraysOf(batch)));
      } catch {
        // Each runs alone below, so that only the one at fault fails.
      }
    }
    await Promise.all(batch.map(async ({ text, values, resolve, reject }) => read(text, values).then(resolve, reject)));
  }

  function batchedTextOf(statement: Read): string {
    let text = batchedTexts.get(statement.text);
    if (text === undefined) {
      text = batchedText(statement);
      batchedTexts.set(statement.text, text);
    }
    return text;
  }

  return ({ text, values, types, order, maxRows }) =>
    new Promise((resolve, reject) => {
      add(text, { text, values, types, order, maxRows, resolve: resolve as WaitingStatement['resolve'], reject });
    });
}

function batchSize(waiting: readonly Read[]): number {
  let maxRows = 1;
  for (const read of waiting) maxRows = Math.max(maxRows, read.maxRows);
  return Math.min(MAX_BATCH_SIZE, Math.ceil(MAX_BATCH_ROWS / maxRows));
}

/** Makes the statement that runs once for each of many lists of values, given as one array per parameter. */
function batchedText({ text, types, order }: Read): string {
  const names = types.map((_, index) => `v${index + 1}`);
  const columns = types.map((type, index) => (type === 'text' ? `${names[index]} COLLATE "C" AS ${names[index]}` : names[index]));
  return `SELECT request.request_place, found.* FROM
    (SELECT ${columns.join(', ')}, request_place::int FROM unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')})
      WITH ORDINALITY AS given (${names.join(', ')}, request_place)) AS request
   CROSS JOIN LATERAL (${text.replace(/\$(\d+)/g, 'request.v$1')}) AS found ORDER BY request.request_place${order ? `, ${order}` : ''}`;
}
