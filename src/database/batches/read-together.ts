import type { QueryResultRow } from 'pg';
import { type Asked, answer, gather, MOST_ASKED, type Placed, type Query, valuesOf } from './gather.ts';

/** A statement that reads, of which several, that differ in their values alone, can be asked as one. */
export interface Read {
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

export type ReadTogether = <Row extends QueryResultRow>(statement: Read) => Promise<Row[]>;

type Waiting = Read & Asked;

/** So many rows in one statement, at most: this process has something to do while the rest is read. */
const MOST_ROWS = 250;

/** Texts are few, but for those that are made to be many. */
const MOST_KEPT = 500;

/** Asks as one what is asked at once by one text. Where that fails, each is asked alone, and fails for itself. */
export function createReadTogether(read: Query): ReadTogether {
  /** The statement for many, by that for one. */
  const forManyBy = new Map<string, string>();
  const add = gather<Waiting>(ask, mostOf);

  async function ask(asked: readonly Waiting[]): Promise<void> {
    if (asked.length > 1) {
      try {
        return answer(asked, await read<Placed>(forManyOf(asked[0] as Read), valuesOf(asked)));
      } catch {
        // Whose fault it was shows below.
      }
    }
    await Promise.all(asked.map(async ({ text, values, resolve, reject }) => read(text, values).then(resolve, reject)));
  }

  function forManyOf(statement: Read): string {
    let text = forManyBy.get(statement.text);
    if (text === undefined) {
      text = forMany(statement);
      if (forManyBy.size >= MOST_KEPT) forManyBy.clear();
      forManyBy.set(statement.text, text);
    }
    return text;
  }

  return ({ text, values, types, order, most }) =>
    new Promise((resolve, reject) => {
      add(text, { text, values, types, order, most, resolve: resolve as Asked['resolve'], reject });
    });
}

function mostOf(waiting: readonly Read[]): number {
  let most = 1;
  for (const read of waiting) most = Math.max(most, read.most);
  return Math.min(MOST_ASKED, Math.ceil(MOST_ROWS / most));
}

/** The statement for many lists of values. */
function forMany({ text, types, order }: Read): string {
  const names = types.map((_, place) => `v${place + 1}`);
  const columns = types.map((type, place) => (type === 'text' ? `${names[place]} COLLATE "C" AS ${names[place]}` : names[place]));
  return `SELECT asked.asked_place, found.* FROM
    (SELECT ${columns.join(', ')}, asked_place::int FROM unnest(${types.map((type, place) => `$${place + 1}::${type}[]`).join(', ')})
      WITH ORDINALITY AS given (${names.join(', ')}, asked_place)) AS asked
   CROSS JOIN LATERAL (${text.replace(/\$(\d+)/g, 'asked.v$1')}) AS found ORDER BY asked.asked_place${order ? `, ${order}` : ''}`;
}
