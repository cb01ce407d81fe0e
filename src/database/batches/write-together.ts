import type { QueryResultRow } from 'pg';
import { isUnavailable } from '../unavailable.ts';
import { type Asked, answer, gather, MOST_ASKED, type Placed, type Query, valuesOf } from './gather.ts';

/** A statement that writes what several ask for, all of it or nothing. */
export interface Write {
  /** Each of its values is an array over all who ask, and its rows tell their place as `asked_place`. */
  readonly text: string;
  /** Of one who asks. */
  readonly values: readonly unknown[];
  /** Only with others of the same. */
  readonly among: string;
}

export type WriteTogether = <Row extends QueryResultRow>(statement: Write) => Promise<Row[]>;

interface Waiting extends Write, Asked {
  /** Since when, as performance.now() has it. */
  readonly since: number;
}

/**
 * Asks as one what is asked at once by one text, among the same. Where the server refuses that, each is asked alone, and fails for itself; a write of
 * which nobody knows whether it came about is not repeated. What has waited longer than `patienceMs` is refused like one that got no connection: who
 * asked may have been told so by now.
 */
export function createWriteTogether(write: Query, patienceMs: number): WriteTogether {
  const add = gather<Waiting>(ask, () => MOST_ASKED);

  async function ask(waiting: readonly Waiting[]): Promise<void> {
    const isLate = ({ since }: Waiting) => performance.now() - since > patienceMs;
    const late = waiting.filter(isLate);
    refuse(late, () => new Error('timeout exceeded when trying to connect'));
    const asked = waiting.filter((one) => !late.includes(one));
    if (asked.length === 0) return;
    try {
      await askAll(asked);
    } catch (error) {
      if (asked.length === 1 || !isRefusal(error)) return refuse(asked, () => error);
      await Promise.all(asked.map((one) => askAll([one]).catch(one.reject)));
    }
  }

  async function askAll(asked: readonly Waiting[]): Promise<void> {
    answer(asked, await write<Placed>((asked[0] as Write).text, valuesOf(asked)));
  }

  return ({ text, values, among }) =>
    new Promise((resolve, reject) => {
      add(`${among} ${text}`, { text, values, among, since: performance.now(), resolve: resolve as Asked['resolve'], reject });
    });
}

/** Did the server say that it did not do what it was asked, and will say so again? */
const isRefusal = (error: unknown) => error instanceof Error && 'severity' in error && !isUnavailable(error);

function refuse(asked: readonly Asked[], error: () => unknown): void {
  for (const { reject } of asked) reject(error());
}
