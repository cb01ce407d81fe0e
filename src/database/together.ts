import type { QueryResultRow } from 'pg';
import type { Sql } from './sql.ts';

/** A statement of which several, that differ in their values alone, can be asked as one. */
export interface Statement {
  /** Its values as $1, $2, …, and nothing else with a dollar. */
  readonly text: string;
  readonly values: readonly unknown[];
  /** The PostgreSQL type of each value; text compares by the collation "C", as this schema's columns do. */
  readonly types: readonly string[];
  /** The order of its rows, of columns as `found."…"`; absent where it has one. */
  readonly order?: string;
  /** How many rows it has at most. */
  readonly most: number;
}

export type Together = <Row extends QueryResultRow>(statement: Statement) => Promise<Row[]>;

/** So many in one, and so many rows, at most: nobody's answer waits for more of others'. */
const MOST_ASKED = 200;
const MOST_ROWS = 1000;
/** So many statements of one text are under way at most: what comes meanwhile is asked together with what else comes. */
const MOST_UNDER_WAY = 2;

/** Texts are few, but for those that are made to be many. */
const MOST_KEPT = 500;

interface Asked extends Statement {
  readonly resolve: (rows: QueryResultRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What is asked by one text. */
interface Queue {
  waiting: Asked[];
  underWay: number;
  /** Is it going to be looked at in this turn of the event loop? */
  isScheduled: boolean;
}

/**
 * Asks what is asked in one turn of the event loop together: sending a statement and taking its answer in costs more than most pages, and under load
 * many come at once. Where one of them fails, each is asked alone, and fails for itself.
 */
export function createTogether(query: Sql['query']): Together {
  const queues = new Map<string, Queue>();
  /** The statement for many, by that for one. */
  const asOneBy = new Map<string, string>();

  function flush(text: string, queue: Queue): void {
    queue.isScheduled = false;
    while (queue.waiting.length > 0 && queue.underWay < MOST_UNDER_WAY) {
      queue.underWay += 1;
      void ask(taken(queue)).finally(() => {
        queue.underWay -= 1;
        if (queue.waiting.length > 0) schedule(text, queue);
        else if (queue.underWay === 0) queues.delete(text);
      });
    }
  }

  function schedule(text: string, queue: Queue): void {
    if (queue.isScheduled) return;
    queue.isScheduled = true;
    setImmediate(flush, text, queue);
  }

  async function ask(asked: readonly Asked[]): Promise<void> {
    if (asked.length > 1) {
      try {
        const answers = await askAll(asked);
        for (const [place, { resolve }] of asked.entries()) resolve(answers[place] as QueryResultRow[]);
        return;
      } catch {
        // Whose fault it was shows below.
      }
    }
    await Promise.all(asked.map(({ text, values, resolve, reject }) => query(text, values).then(resolve, reject)));
  }

  async function askAll(asked: readonly Asked[]): Promise<QueryResultRow[][]> {
    const [first] = asked as readonly [Asked];
    let text = asOneBy.get(first.text);
    if (text === undefined) {
      text = asOne(first);
      if (asOneBy.size >= MOST_KEPT) asOneBy.clear();
      asOneBy.set(first.text, text);
    }
    const rows = await query<{ asked_place: number }>(
      text,
      first.types.map((_, place) => asked.map(({ values }) => values[place])),
    );
    const answers = asked.map((): QueryResultRow[] => []);
    for (const row of rows) answers[row.asked_place - 1]?.push(row);
    return answers;
  }

  return (statement) =>
    new Promise((resolve, reject) => {
      const { text, values, types, order, most } = statement;
      let queue = queues.get(text);
      if (!queue) {
        queue = { waiting: [], underWay: 0, isScheduled: false };
        queues.set(text, queue);
      }
      queue.waiting.push({ text, values, types, order, most, resolve: resolve as Asked['resolve'], reject });
      if (queue.underWay < MOST_UNDER_WAY) schedule(text, queue);
    });
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
