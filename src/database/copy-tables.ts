import type pg from 'pg';

/** A table whose rows were copied. */
interface CopiedTable {
  readonly name: string;
  readonly rows: number;
}

/** The target has rows already, or has not what was copied. Nothing is changed. */
export class CopyError extends Error {
  override readonly name = 'CopyError';
}

interface TableToCopy {
  readonly name: string;
  readonly columns: string;
}

const BATCH_ROWS = 1000;
const BATCH_BYTES = 4 * 1024 * 1024;
/** The same values have the same text in both databases. */
const ONE_FORM = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1`;

/**
 * Copies every row of a gateway's database into another one that has the same migrations and no account yet. All of it is one transaction of the
 * target, which ends with a comparison of the rows of both: it has everything, or is unchanged.
 * @param onTable called after each table
 * @throws CopyError; the database's error
 */
export async function copyTables(source: pg.Pool, target: pg.Pool, onTable: (table: CopiedTable) => void): Promise<void> {
  const from = await source.connect();
  const to = await target.connect();
  try {
    await from.query(ONE_FORM);
    await to.query(ONE_FORM);
    await from.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await to.query('BEGIN');
    // While the other side reads a large table, this one waits within its transaction, which the pool allows for a moment only.
    for (const client of [from, to])
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0');
    const tables = await tablesOf(from);
    const { rows: accounts } = await to.query('SELECT FROM account LIMIT 1');
    if (accounts.length > 0) throw new CopyError('The database has accounts already. Use one that no gateway has used yet.');
    // Rows come in any order, and as they are: no key is to be checked, and no trigger to count them, before all are there.
    const foreignKeys = await dropForeignKeys(to);
    for (const { name } of tables) await to.query(`ALTER TABLE ${name} DISABLE TRIGGER USER`);
    await to.query(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}`);
    for (const table of tables) {
      const rows = await copyRows(from, to, table);
      onTable({ name: table.name, rows });
    }
    await copySequences(from, to);
    for (const foreignKey of foreignKeys) await to.query(foreignKey);
    for (const { name } of tables) await to.query(`ALTER TABLE ${name} ENABLE TRIGGER USER`);
    for (const { name } of tables) {
      if ((await fingerprint(from, name)) !== (await fingerprint(to, name)))
        throw new CopyError(`The rows of ${name} differ after they were copied.`);
    }
    // Nothing is missing, so that former cursors hold (src/domain/events/events.ts).
    await to.query('UPDATE event_head SET source = event_log_source()');
    await to.query('COMMIT');
    await to.query('ANALYZE');
  } finally {
    // Closing the connection ends a transaction that failed, and the session's settings.
    from.release(true);
    to.release(true);
  }
}

async function tablesOf(client: pg.PoolClient): Promise<TableToCopy[]> {
  const { rows } = await client.query<TableToCopy>(
    `SELECT quote_ident(relname) AS name, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
     FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> '_prisma_migrations'
     GROUP BY relname ORDER BY relname`,
  );
  return rows;
}

/** @returns the statements that add them again */
async function dropForeignKeys(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ drop: string; add: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS add
     FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace`,
  );
  for (const { drop } of rows) await client.query(drop);
  return rows.map(({ add }) => add);
}

async function copyRows(from: pg.PoolClient, to: pg.PoolClient, { name, columns }: TableToCopy): Promise<number> {
  const { rows: sizes } = await from.query<{ longest: number }>(`SELECT coalesce(max(octet_length(t::text)), 1) AS longest FROM ${name} t`);
  const batch = Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / (sizes[0]?.longest ?? 1))));
  await from.query(`DECLARE copied NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS row FROM ${name} t`);
  let copied = 0;
  for (;;) {
    const { rows } = await from.query<{ row: string }>(`FETCH ${batch} FROM copied`);
    if (rows.length === 0) break;
    await to.query(
      `INSERT INTO ${name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM json_populate_recordset(NULL::${name}, $1::json)`,
      [`[${rows.map(({ row }) => row).join(',')}]`],
    );
    copied += rows.length;
  }
  await from.query('CLOSE copied');
  return copied;
}

async function copySequences(from: pg.PoolClient, to: pg.PoolClient): Promise<void> {
  const { rows } = await from.query<{ name: string; last: string | null }>(
    `SELECT quote_ident(sequencename) AS name, last_value::text AS last FROM pg_sequences WHERE schemaname = current_schema()`,
  );
  for (const { name, last } of rows) if (last !== null) await to.query('SELECT setval($1::regclass, $2)', [name, last]);
}

/** The number of a table's rows and the sum of their digests, which does not depend on their order. */
async function fingerprint(client: pg.PoolClient, name: string): Promise<string> {
  const { rows } = await client.query<{ fingerprint: string }>(
    `SELECT count(*) || ':' || coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0) AS fingerprint FROM ${name} t`,
  );
  return rows[0]?.fingerprint ?? '';
}
