import type { QueryResultRow } from 'pg';
import { isUnavailable } from '../unavailable.ts';
import { arraysOf, distribute, gather, MAX_BATCH_SIZE, type PlacedRow, type Query, type WaitingStatement } from './gather.ts';

/** A statement that performs the writes of several requests atomically. */
interface Write {
  /** Takes each of its values as an array over the requests, and returns each row with its `request_place`. */
  readonly text: string;
  /** The values of this one request. */
  readonly values: readonly unknown[];
  /** Only writes of the same group form a batch. */
  readonly group: string;
  /** Of two writes with the same key, the second is in a later batch. */
  readonly key?: string;
  /** How long it may wait for others of its text and group, in ms: under load, a few large statements cost less than many small ones. */
  readonly waitMs?: number;
}

export type WriteTogether = <Row extends QueryResultRow>(statement: Write) => Promise<Row[]>;

interface WaitingWrite extends Write, WaitingStatement {
  /** When it was requested, by performance.now(). */
  readonly since: number;
}

/**
 * Runs the writes of one text and group that arrive in one turn of the event loop, or within their `waitMs`, as one statement. If the server refuses it, each runs alone, so that
 * only the one at fault fails; a batch whose outcome is unknown is not repeated.
 * @param patienceMs a write that has waited longer is rejected as if it had got no connection: its request may have timed out by then
 */
export function createWriteTogether(write: Query, patienceMs: number): WriteTogether {
  /** Numbers of the texts: a text is too long to be part of each write's kind. */
  const numbers = new Map<string, number>();
  const add = gather<WaitingWrite>(runBatch, batchSize, ({ waitMs = 0 }) => waitMs);

  function kindOf(group: string, text: string): string {
    let number = numbers.get(text);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(text, number);
    }
    return `${number} ${group}`;
  }

  async function runBatch(waiting: readonly WaitingWrite[]): Promise<void> {
    const isLate = ({ since }: WaitingWrite) => performance.now() - since > patienceMs;
    const late = waiting.filter(isLate);
    rejectAll(late, () => new Error('timeout exceeded when trying to connect'));
    const batch = waiting.filter((request) => !late.includes(request));
    if (batch.length === 0) return;
    try {
      await run(batch);
    } catch (error) {
      if (batch.length === 1 || !isRefusal(error)) return rejectAll(batch, () => error);
      await Promise.all(batch.map((request) => run([request]).catch(request.reject)));
    }
  }

  async function run(batch: readonly WaitingWrite[]): Promise<void> {
    distribute(batch, await write<PlacedRow>((batch[0] as Write).text, arraysOf(batch)));
  }

  return ({ text, values, group, key, waitMs }) =>
    new Promise((resolve, reject) => {
      const request = {
        text,
        values,
        group,
        key,
        waitMs,
        since: performance.now(),
        resolve: resolve as WaitingStatement['resolve'],
        reject,
      };
      add(kindOf(group, text), request);
    });
}

/** How many of the first writes have different keys. */
function batchSize(waiting: readonly Write[]): number {
  const keys = new Set<string>();
  for (const [index, { key }] of waiting.entries()) {
    if (index === MAX_BATCH_SIZE || (key !== undefined && keys.has(key))) return index;
    if (key !== undefined) keys.add(key);
  }
  return MAX_BATCH_SIZE;
}

/** Whether the server refused the statement, and would refuse it again: nothing was written. */
const isRefusal = (error: unknown) => error instanceof Error && 'severity' in error && !isUnavailable(error);

function rejectAll(batch: readonly WaitingStatement[], error: () => unknown): void {
  for (const { reject } of batch) reject(error());
}
