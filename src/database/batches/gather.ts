import type { QueryResultRow } from 'pg';
import type { Interest } from '../interest.ts';

/**
 * Runs one statement. Values go into `values`, never into `text`. Given an interest, the statement ends when that is lost, and is rejected with a
 * LostInterestError.
 */
export type Query = <Row extends QueryResultRow>(text: string, values: readonly unknown[], interest?: Interest) => Promise<Row[]>;

/** A statement that waits for its rows. */
export interface WaitingStatement {
  readonly values: readonly unknown[];
  readonly resolve: (rows: QueryResultRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A row of a batch: `request_place` is the place of its request in the batch, from 1. */
export interface PlacedRow extends QueryResultRow {
  readonly request_place: number;
}

/** How many requests one batch holds, which bounds how long each waits for the others' rows. */
export const MAX_BATCH_SIZE = 200;
/** How many batches of one kind run at once. Requests that arrive meanwhile form the next batch. */
const MAX_RUNNING_BATCHES = 2;

interface BatchQueue<Request> {
  waiting: Request[];
  running: number;
  /** Whether a flush is scheduled. */
  isScheduled: boolean;
}

/**
 * Gathers the requests of one turn of the event loop, or of a few ms, into batches. Sending a statement and reading its result costs more than running most statements, and
 * under load many arrive at once.
 * @param runBatch answers each request of a batch; must never reject
 * @param batchSize returns how many of the waiting requests the next batch may have
 * @param waitMs returns how long the first request of a batch waits for others, in ms, from when a batch may begin; by default, for the rest of the turn
 * @returns a function that adds a request to those of its kind
 */
export function gather<Request>(
  runBatch: (batch: readonly Request[]) => Promise<void>,
  batchSize: (waiting: readonly Request[]) => number,
  waitMs: (first: Request) => number = () => 0,
): (kind: string, request: Request) => void {
  const queues = new Map<string, BatchQueue<Request>>();

  function flush(kind: string, queue: BatchQueue<Request>): void {
    queue.isScheduled = false;
    while (queue.waiting.length > 0 && queue.running < MAX_RUNNING_BATCHES) {
      queue.running += 1;
      void runBatch(nextBatch(queue)).finally(() => {
        queue.running -= 1;
        if (queue.waiting.length > 0) schedule(kind, queue);
        else if (queue.running === 0) queues.delete(kind);
      });
    }
  }

  function schedule(kind: string, queue: BatchQueue<Request>): void {
    if (queue.isScheduled) return;
    queue.isScheduled = true;
    const ms = waitMs(queue.waiting[0] as Request);
    if (ms > 0) setTimeout(flush, ms, kind, queue);
    else setImmediate(flush, kind, queue);
  }

  function nextBatch(queue: BatchQueue<Request>): readonly Request[] {
    const size = batchSize(queue.waiting);
    const batch = queue.waiting.slice(0, size);
    queue.waiting = queue.waiting.slice(size);
    return batch;
  }

  return (kind, request) => {
    let queue = queues.get(kind);
    if (!queue) {
      queue = { waiting: [], running: 0, isScheduled: false };
      queues.set(kind, queue);
    }
    queue.waiting.push(request);
    if (queue.running < MAX_RUNNING_BATCHES) schedule(kind, queue);
  };
}

/** Turns the values of a batch's statements into one array per parameter. */
export function arraysOf(batch: readonly WaitingStatement[]): unknown[][] {
  const arrays: unknown[][] = Array.from(batch[0]?.values ?? [], () => []);
  for (const { values } of batch) {
    for (let parameter = 0; parameter < arrays.length; parameter += 1) arrays[parameter]?.push(values[parameter]);
  }
  return arrays;
}

/** Resolves each statement of a batch with its own rows, in their order. */
export function distribute(batch: readonly WaitingStatement[], rows: readonly PlacedRow[]): void {
  const rowsByPlace = batch.map((): QueryResultRow[] => []);
  for (const row of rows) rowsByPlace[row.request_place - 1]?.push(row);
  for (const [place, { resolve }] of batch.entries()) resolve(rowsByPlace[place] as QueryResultRow[]);
}
