import type { QueryResultRow } from 'pg';

/** Runs one statement. Values go into `values`, never into `text`. */
export type Query = <Row extends QueryResultRow>(text: string, values: readonly unknown[]) => Promise<Row[]>;

/** One who waits for the rows of a statement. */
export interface Asked {
  readonly values: readonly unknown[];
  readonly resolve: (rows: QueryResultRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A row of a statement for many: by whom it was asked for, from 1. */
export interface Placed extends QueryResultRow {
  readonly asked_place: number;
}

/** So many in one batch at most: nobody's answer waits for more of others'. */
export const MOST_ASKED = 200;
/** So many batches of one kind are under way at most: what comes meanwhile is asked together with what else comes. */
const MOST_UNDER_WAY = 2;

interface Queue<One> {
  waiting: One[];
  underWay: number;
  /** Is it going to be looked at in this turn of the event loop? */
  isScheduled: boolean;
}

/**
 * Gathers into batches what is asked in one turn of the event loop: sending a statement and taking its answer in costs more than most statements, and
 * under load many come at once.
 * @param ask answers each of a batch, and rejects never @param mostOf how many of those that wait may be a batch
 * @returns adds one to the others of its kind
 */
export function gather<One>(
  ask: (batch: readonly One[]) => Promise<void>,
  mostOf: (waiting: readonly One[]) => number,
): (kind: string, one: One) => void {
  const queues = new Map<string, Queue<One>>();

  function flush(kind: string, queue: Queue<One>): void {
    queue.isScheduled = false;
    while (queue.waiting.length > 0 && queue.underWay < MOST_UNDER_WAY) {
      queue.underWay += 1;
      void ask(taken(queue)).finally(() => {
        queue.underWay -= 1;
        if (queue.waiting.length > 0) schedule(kind, queue);
        else if (queue.underWay === 0) queues.delete(kind);
      });
    }
  }

  function schedule(kind: string, queue: Queue<One>): void {
    if (queue.isScheduled) return;
    queue.isScheduled = true;
    setImmediate(flush, kind, queue);
  }

  function taken(queue: Queue<One>): readonly One[] {
    const count = mostOf(queue.waiting);
    const batch = queue.waiting.slice(0, count);
    queue.waiting = queue.waiting.slice(count);
    return batch;
  }

  return (kind, one) => {
    let queue = queues.get(kind);
    if (!queue) {
      queue = { waiting: [], underWay: 0, isScheduled: false };
      queues.set(kind, queue);
    }
    queue.waiting.push(one);
    if (queue.underWay < MOST_UNDER_WAY) schedule(kind, queue);
  };
}

/** The values of all who ask, an array for each value of the statement. */
export const valuesOf = (asked: readonly Asked[]): unknown[][] =>
  asked[0]?.values.map((_, place) => asked.map(({ values }) => values[place])) ?? [];

/** Gives each who asked their rows, in the order in which they came. */
export function answer(asked: readonly Asked[], rows: readonly Placed[]): void {
  const answers = asked.map((): QueryResultRow[] => []);
  for (const row of rows) answers[row.asked_place - 1]?.push(row);
  for (const [place, { resolve }] of asked.entries()) resolve(answers[place] as QueryResultRow[]);
}
