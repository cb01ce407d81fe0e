import DataLoader from 'dataloader';
import { countRows, countRowsOf, type Range, selectRows, selectRowsOf, type Table } from '../database/select.ts';
import type { Sql } from '../database/sql.ts';
import type { List } from './keyset.ts';

/** The parent of a nested list: the field that names it, and its sid. */
export type Within = Readonly<Record<string, string>>;

/** What one request's nested lists are read with: the same page of many parents is one statement, and so is their count. */
export interface NestedLists {
  rows(key: NestedRange): Promise<object[]>;
  count(key: NestedKey & { where: object }): Promise<number>;
}

interface NestedKey {
  // biome-ignore lint/suspicious/noExplicitAny: one loader serves every table
  readonly table: Table<any>;
  readonly field: string;
  readonly parent: string;
}

interface NestedRange extends NestedKey {
  readonly range: Range;
  readonly fields?: readonly string[];
}

/** For one request. */
export function createNestedLists(sql: Sql): NestedLists {
  const rows = new DataLoader<NestedRange, object[]>(
    (keys) =>
      inGroups(
        keys,
        ({ range, fields }) => ({ range, fields }),
        ({ table, field, range, fields }, parents) => selectRowsOf(sql, table, field, parents, range, fields),
      ),
    { cache: false },
  );
  const counts = new DataLoader<NestedKey & { where: object }, number>(
    (keys) =>
      inGroups(
        keys,
        ({ where }) => where,
        ({ table, field, where }, parents) => countRowsOf(sql, table, field, parents, where),
      ),
    { cache: false },
  );
  return { rows: (key) => rows.load(key), count: (key) => counts.load(key) };
}

/** How readPage reads a table: of its own, or within one parent of the many that a request may ask about. */
export function readsOf<Row extends { sid: string }>(
  sql: Sql,
  table: Table<Row>,
  within?: Within,
  nested?: NestedLists,
): Pick<List<Row, string>, 'find' | 'count'> {
  const [[field, parent] = []] = Object.entries(within ?? {});
  if (field === undefined || parent === undefined) {
    return { find: (range, fields) => selectRows(sql, table, range, fields), count: (where) => countRows(sql, table, where) };
  }
  const lists = nested ?? createNestedLists(sql);
  return {
    find: (range, fields) => lists.rows({ table, field, parent, range, fields }) as Promise<Row[]>,
    count: (where) => lists.count({ table, field, parent, where }),
  };
}

/** Keys that ask for the same of the same table differ in their parents alone, and are answered together. */
async function inGroups<Key extends NestedKey, Answer>(
  keys: readonly Key[],
  asked: (key: Key) => object,
  answer: (key: Key, parents: string[]) => Promise<Answer[]>,
): Promise<Answer[]> {
  const groups = new Map<string, { key: Key; places: number[] }>();
  for (const [place, key] of keys.entries()) {
    const name = JSON.stringify([key.table.name, key.field, asked(key)]);
    const group = groups.get(name);
    if (group) group.places.push(place);
    else groups.set(name, { key, places: [place] });
  }
  const answers: Answer[] = new Array(keys.length);
  await Promise.all(
    [...groups.values()].map(async ({ key, places }) => {
      const found = await answer(
        key,
        places.map((place) => (keys[place] as Key).parent),
      );
      for (const [index, place] of places.entries()) answers[place] = found[index] as Answer;
    }),
  );
  return answers;
}
