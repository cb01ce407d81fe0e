import type { QueryResultRow } from 'pg';
import type { Sql } from './sql.ts';
import { isUnavailable } from './unavailable.ts';

/** A statement of which several, that differ in their values alone, can be asked as one. */
export interface Statement {
  /** Its values as $1, $2, …, and nothing else with a dollar. */
  readonly text: string;
  /** Is it made for many? Each of its values is an array over all who ask then, and its rows tell their place as `asked_place`; it may write. */
  readonly isForMany?: true;
  /** Only with others of the same. */
  readonly among?: string;
  readonly values: readonly unknown[];
  /** The PostgreSQL type of each value; text compares by the collation "C", as this schema's columns do. */
  readonly types: readonly string[];
  /** The order of its rows, of columns as `found."…"`; absent where it has one. */
  readonly order?: string;
  /** How many rows it has at most. */
  readonly most: number;
}

export type Together = <Row extends QueryResultRow>(statement: Statement) => Promise<Row[]>;

/** So many in one, and so many rows, at most: nobody's answer waits for more of others', and this process has something to do while the rest is read. */
const MOST_ASKED = 200;
const MOST_ROWS = 250;
/** So many statements of one text are under way at most: what comes meanwhile is asked together with what else comes. */
const MOST_UNDER_WAY = 2;

/** Texts are few, but for those that are made to be many. */
const MOST_KEPT = 500;

interface Asked extends Statement {
  /** When, as performance.now() has it. */
  readonly since: number;
  readonly resolve: (rows: QueryResultRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What is asked by one text, among the same. */
interface Queue {
  waiting: Asked[];
  underWay: number;
  /** Is it going to be looked at in this turn of the event loop? */
  isScheduled: boolean;
}

/**
 * Asks what is asked in one turn of the event loop together: sending a statement and taking its answer in costs more than most pages, and under load
 * many come at once. Where one of them fails, each is asked alone, and fails for itself; but a write of which nobody knows whether it came about is
 * not repeated, and one that has waited longer than `patienceMs` is refused like one that got no connection: who asked may have been told so by now.
 * @param read for short reads @param write for what is made for many
 */
export function createTogether(read: Sql['query'], write: Sql['query'], patienceMs: number): Together {
  const queues = new Map<string, Queue>();
  /** The statement for many, by that for one. */
  const asOneBy = new Map<string, string>();

  function flush(key: string, queue: Queue): void {
    queue.isScheduled = false;
    while (queue.waiting.length > 0 && queue.underWay < MOST_UNDER_WAY) {
      queue.underWay += 1;
      void ask(taken(queue)).finally(() => {
        queue.underWay -= 1;
        if (queue.waiting.length > 0) schedule(key, queue);
        else if (queue.underWay === 0) queues.delete(key);
      });
    }
  }

  function schedule(key: string, queue: Queue): void {
    if (queue.isScheduled) return;
    queue.isScheduled = true;
    setImmediate(flush, key, queue);
  }

  const isLate = ({ isForMany, since }: Asked) => isForMany === true && performance.now() - since > patienceMs;

  async function ask(taken: readonly Asked[]): Promise<void> {
    const late = taken.filter(isLate);
    // An error, with its stack, is made where there is one alone: this runs for every read.
    if (late.length > 0) refuse(late, new Error('timeout exceeded when trying to connect'));
    const asked = late.length === 0 ? taken : taken.filter((one) => !late.includes(one));
    if (asked.length === 0) return;
    if (asked.length > 1) {
      try {
        return answer(asked, await askAll(asked));
      } catch (error) {
        if (asked[0]?.isForMany && !isRefusal(error)) return refuse(asked, error);
        // Whose fault it was shows below.
      }
    }
    await Promise.all(asked.map((one) => askOne(one).then(one.resolve, one.reject)));
  }

  async function askOne(asked: Asked): Promise<QueryResultRow[]> {
    if (asked.isForMany) return (await askAll([asked]))[0] ?? [];
    return read(asked.text, asked.values);
  }

  async function askAll(asked: readonly Asked[]): Promise<QueryResultRow[][]> {
    const [first] = asked as readonly [Asked];
    const values = first.types.map((_, place) => asked.map(({ values }) => values[place]));
    const rows = await (first.isForMany ? write<Placed>(first.text, values) : read<Placed>(asOneOf(first), values));
    const answers = asked.map((): QueryResultRow[] => []);
    for (const row of rows) answers[row.asked_place - 1]?.push(row);
    return answers;
  }

  function asOneOf(statement: Statement): string {
    let text = asOneBy.get(statement.text);
    if (text === undefined) {
      text = asOne(statement);
      if (asOneBy.size >= MOST_KEPT) asOneBy.clear();
      asOneBy.set(statement.text, text);
    }
    return text;
  }

  return (statement) =>
    new Promise((resolve, reject) => {
      const { text, values, types, order, most, isForMany, among } = statement;
      const key = among === undefined ? text : `${among} ${text}`;
      let queue = queues.get(key);
      if (!queue) {
        queue = { waiting: [], underWay: 0, isScheduled: false };
        queues.set(key, queue);
      }
      queue.waiting.push({
        text,
        values,
        types,
        order,
        most,
        isForMany,
        among,
        since: performance.now(),
        resolve: resolve as Asked['resolve'],
        reject,
      });
      if (queue.underWay < MOST_UNDER_WAY) schedule(key, queue);
    });
}

/** Did the server say that it did not do what it was asked, and will say so again? */
const isRefusal = (error: unknown) => error instanceof Error && 'severity' in error && !isUnavailable(error);

interface Placed extends QueryResultRow {
  readonly asked_place: number;
}

function answer(asked: readonly Asked[], answers: readonly QueryResultRow[][]): void {
  for (const [place, { resolve }] of asked.entries()) resolve(answers[place] as QueryResultRow[]);
}

function refuse(asked: readonly Asked[], error: unknown): void {
  for (const { reject } of asked) reject(error);
}

/** As many of the waiting as may be asked at once. */
function taken(queue: Queue): readonly Asked[] {
  let most = 1;
  for (const asked of queue.waiting) most = Math.max(most, asked.most);
  const count = Math.min(MOST_ASKED, Math.ceil(MOST_ROWS / most));
  const asked = queue.waiting.slice(0, count);
  queue.waiting = queue.waiting.slice(count);
  return asked;
}

/** The statement for many lists of values. */
function asOne({ text, types, order }: Statement): string {
  const names = types.map((_, place) => `v${place + 1}`);
  const columns = types.map((type, place) => (type === 'text' ? `${names[place]} COLLATE "C" AS ${names[place]}` : names[place]));
  return `SELECT asked.asked_place, found.* FROM
    (SELECT ${columns.join(', ')}, asked_place::int FROM unnest(${types.map((type, place) => `$${place + 1}::${type}[]`).join(', ')})
      WITH ORDINALITY AS given (${names.join(', ')}, asked_place)) AS asked
   CROSS JOIN LATERAL (${text.replace(/\$(\d+)/g, 'asked.v$1')}) AS found ORDER BY asked.asked_place${order ? `, ${order}` : ''}`;
}
