import type pg from 'pg';

export interface StoredRow {
  readonly table: string;
  /** The whole row as JSON. */
  readonly text: string;
}

/** Every row of every table. */
export async function rowsOf(pool: pg.Pool): Promise<StoredRow[]> {
  const tables = await pool.query<{ name: string }>(
    "SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
  );
  const rows: StoredRow[] = [];
  for (const { name } of tables.rows) {
    const found = await pool.query<{ text: string }>(`SELECT row_to_json(t)::text AS text FROM ${name} t ORDER BY 1`);
    rows.push(...found.rows.map(({ text }) => ({ table: name, text })));
  }
  return rows;
}

/** The rows that are in one of the two alone. */
export function difference(before: readonly StoredRow[], after: readonly StoredRow[]): StoredRow[] {
  const key = ({ table, text }: StoredRow) => `${table} ${text}`;
  const [earlier, later] = [new Set(before.map(key)), new Set(after.map(key))];
  return [...before.filter((row) => !later.has(key(row))), ...after.filter((row) => !earlier.has(key(row)))];
}

/** Every string inside a JSON value, the names of its fields not counted. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** What an answer tells of these texts that the request did not say itself, base64 (global ids, cursors) looked into. */
export function leaks(canaries: readonly string[], sent: unknown, answer: unknown): string[] {
  const [said, told] = [readable(sent), readable(answer)];
  return canaries.filter((canary) => told.includes(canary.toLowerCase()) && !said.includes(canary.toLowerCase()));
}

function readable(value: unknown): string {
  return stringsIn(value)
    .flatMap((text) => [text, Buffer.from(text, 'base64').toString()])
    .join('\n')
    .toLowerCase();
}
