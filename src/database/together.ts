import type { QueryResultRow } from 'pg';
import type { Sql } from './sql.ts';

/** A statement of which several, that differ in their values alone, can be asked as one. */
export interface Statement {
  /** Its values as $1, $2, …, and nothing else with a dollar. */
  readonly text: string;
  readonly values: readonly unknown[];
  /** The PostgreSQL type of each value; text compares by the collation "C", as this schema's columns do. */
  readonly types: readonly string[];
  /** The order of its rows, of columns as `found."…"`. */
  readonly order: string;
  /** How many rows it has at most. */
  readonly most: number;
}

export type Together = <Row extends QueryResultRow>(statement: Statement) => Promise<Row[]>;

/** So many in one, and so many rows, at most: nobody's answer waits for more of others'. */
const MOST_ASKED = 200;
const MOST_ROWS = 1000;

interface Asked extends Statement {
  readonly resolve: (rows: QueryResultRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks what is asked in one turn of the event loop together: sending a statement and taking its answer in costs more than most pages, and under load
 * many come at once. Where one of them fails, each is asked alone, and fails for itself.
 */
export function createTogether(query: Sql['query']): Together {
  let waiting = new Map<string, Asked[]>();

  function flush(): void {
    const texts = waiting;
    waiting = new Map();
    for (const asked of texts.values()) {
      const most = Math.min(MOST_ASKED, Math.ceil(MOST_ROWS / Math.max(1, ...asked.map((one) => one.most))));
      for (let from = 0; from < asked.length; from += most) void ask(asked.slice(from, from + most));
    }
  }

  async function ask(asked: Asked[]): Promise<void> {
    if (asked.length > 1) {
      try {
        const answers = await askAll(asked);
        for (const [place, { resolve }] of asked.entries()) resolve(answers[place] as QueryResultRow[]);
        return;
      } catch {
        // Whose fault it was shows below.
      }
    }
    for (const { text, values, resolve, reject } of asked) query(text, values).then(resolve, reject);
  }

  async function askAll(asked: Asked[]): Promise<QueryResultRow[][]> {
    const [{ text, types, order }] = asked as [Asked];
    const names = types.map((_, place) => `v${place + 1}`);
    const columns = types.map((type, place) => (type === 'text' ? `${names[place]} COLLATE "C" AS ${names[place]}` : names[place]));
    const rows = await query<{ asked_place: number }>(
      `SELECT asked.asked_place, found.* FROM
        (SELECT ${columns.join(', ')}, asked_place::int FROM unnest(${types.map((type, place) => `$${place + 1}::${type}[]`).join(', ')})
          WITH ORDINALITY AS given (${names.join(', ')}, asked_place)) AS asked
       CROSS JOIN LATERAL (${text.replace(/\$(\d+)/g, 'asked.v$1')}) AS found ORDER BY asked.asked_place, ${order}`,
      types.map((_, place) => asked.map(({ values }) => values[place])),
    );
    const answers = asked.map((): QueryResultRow[] => []);
    for (const row of rows) answers[row.asked_place - 1]?.push(row);
    return answers;
  }

  return (statement) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) setImmediate(flush);
      const asked: Asked = { ...statement, resolve: resolve as Asked['resolve'], reject };
      const others = waiting.get(statement.text);
      if (others) others.push(asked);
      else waiting.set(statement.text, [asked]);
    });
}
