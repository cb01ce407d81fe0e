import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { ADVISORY_LOCKS } from './advisory-locks.ts';

/** A migration: one directory of prisma/migrations. Its first line may say how it is applied, e.g. `-- migration: expand, in steps`. */
interface Migration {
  readonly name: string;
  readonly sql: string;
  /** The SHA-256 of migration.sql in hex, as Prisma records it. */
  readonly checksum: string;
  /** Whether gateways that do not know it can work with the tables it leaves: it takes nothing away, and demands nothing of them. */
  readonly expands: boolean;
  /**
   * The parts between lines `-- step`, if it is applied in steps: each part is a transaction of its own, or a single statement that must not be in
   * one (`CREATE INDEX CONCURRENTLY`). A part may run twice, when a process dies between it and its record.
   */
  readonly steps: readonly string[] | undefined;
}

/** The database's migration history is not one that this gateway can continue, or a migration failed and was rolled back. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const LOCK_TIMEOUT_MS = 60_000;
const LOCK_POLL_MS = 100;
/** Whatever waits for a table's lock makes everybody wait behind it. So it gives up soon, and tries again. */
const LOCK_PATIENCE = '500ms';
const LOCK_RETRY_MS = 1000;
const LOCK_TRIES = 120;
const LOCK_NOT_AVAILABLE = '55P03';
/** The longest delay of a timer in node, in ms: 24 days. */
const NO_TIMEOUT = 2 ** 31 - 1;

/** As Prisma's schema engine 7.10 creates it. */
const HISTORY_TABLE = `CREATE TABLE _prisma_migrations (
  id                      VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum                VARCHAR(64) NOT NULL,
  finished_at             TIMESTAMPTZ,
  migration_name          VARCHAR(255) NOT NULL,
  logs                    TEXT,
  rolled_back_at          TIMESTAMPTZ,
  started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`;

/** Reads the migrations in `directory`, in the order in which they are applied. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8');
      const [, kinds = ''] = /^-- migration: (.*)/.exec(sql) ?? [];
      return {
        name,
        sql,
        checksum: createHash('sha256').update(sql).digest('hex'),
        expands: kinds.split(', ').includes('expand'),
        steps: kinds.split(', ').includes('in steps') ? sql.split(/^-- step\b.*$/m).slice(1) : undefined,
      };
    }),
  );
}

/**
 * Applies the migrations in `directory` that the database does not have yet, and records them in Prisma's history table. Gateways that start at the same
 * time take turns. A migration and its history row commit together, so a crash or an error leaves neither. One in steps continues with the step that a
 * crash or an error has interrupted.
 * @returns the names of those it applied
 * @throws MigrationError if the history has a migration that has changed since, failed under Prisma, or is unknown and does more than expand the
 *   tables, or if one fails now
 */
export async function migrate(pool: pg.Pool, directory: string): Promise<string[]> {
  const migrations = await readMigrations(directory);
  const client = await pool.connect();
  let usable = false;
  try {
    // The pool's timeouts are meant for requests; a migration may take any time.
    const { rows } = await client.query<{ statement_timeout: string }>('SHOW statement_timeout');
    await client.query('SET statement_timeout = 0');
    // If this process dies, the server then ends its statement within a second and releases its locks. Not every platform supports the setting.
    await client.query("SET client_connection_check_interval = '1s'").catch(() => {});
    // An instance with nothing to apply does not wait for another one.
    let known = await readHistory(client);
    let pending = known ? unapplied(migrations, known) : migrations;
    if (pending.length > 0) {
      await takeTurn(client);
      known = await history(client);
      pending = unapplied(migrations, known);
    }
    for (const migration of pending) {
      if (migration.steps) await applySteps(client, migration, migration.steps, known ?? []);
      else await apply(client, migration);
    }
    await client.query('SELECT pg_advisory_unlock_all()');
    await client.query("SELECT set_config('statement_timeout', $1, false)", [rows[0]?.statement_timeout]);
    usable = true;
    return pending.map(({ name }) => name);
  } finally {
    // Closing the connection releases its lock, in whatever state an error left it.
    client.release(!usable);
  }
}

/**
 * Waits for the lock by asking for it again and again: a statement that waits inside PostgreSQL has a snapshot, for whose end
 * `CREATE INDEX CONCURRENTLY` of another instance would wait.
 */
async function takeTurn(client: pg.PoolClient): Promise<void> {
  const until = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [ADVISORY_LOCKS.migrations]);
    if (rows[0]?.taken) return;
    if (Date.now() > until)
      throw new MigrationError('Another instance has been applying migrations for a minute. Start again when it has finished.');
    await delay(LOCK_POLL_MS);
  }
}

/** Makes a statement that may take any time: it is exempt from the pool's own timeout (postgres/connection.ts). */
export const withoutTimeout = (text: string, values?: unknown[]): pg.QueryConfig =>
  Object.assign({ text, values }, { query_timeout: NO_TIMEOUT });

/**
 * Whether the database has every one of these migrations.
 * @throws the database's error if the history cannot be read
 */
export async function migrated(pool: pg.Pool, migrations: readonly Migration[]): Promise<boolean> {
  const { rows } = await pool.query<{ applied: number }>(
    `SELECT count(DISTINCT migration_name)::int AS applied FROM _prisma_migrations
     WHERE migration_name = ANY ($1) AND finished_at IS NOT NULL AND rolled_back_at IS NULL`,
    [migrations.map(({ name }) => name)],
  );
  return rows[0]?.applied === migrations.length;
}

interface HistoryRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished: boolean;
  readonly steps: number;
  /** What Prisma uses for a failed migration's messages, and `migrate` for how it is applied: `expand`, `in steps`. */
  readonly logs: string;
}

/**
 * Reads the history, and creates its table in an empty database.
 * @throws MigrationError if the database has other tables but no history
 */
async function history(client: pg.PoolClient): Promise<HistoryRow[]> {
  const known = await readHistory(client);
  if (known) return known;
  const { rows } = await client.query('SELECT FROM pg_tables WHERE schemaname = current_schema() LIMIT 1');
  if (rows.length > 0) {
    throw new MigrationError(
      'The database has tables but no migration history, so it is not a gateway’s. Use a separate database for the gateway.',
    );
  }
  await client.query(HISTORY_TABLE).catch((error: Error) => {
    throw new MigrationError(`Cannot create tables in the database: ${error.message}`, { cause: error });
  });
  return [];
}

/** Reads the history without rolled back rows, which count as never applied; `undefined` if it has no table. */
async function readHistory(client: pg.PoolClient): Promise<HistoryRow[] | undefined> {
  const { rows: tables } = await client.query<{ history: string | null }>("SELECT to_regclass('_prisma_migrations')::text AS history");
  if (tables[0]?.history === null) return undefined;
  const { rows } = await client.query<HistoryRow>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished, applied_steps_count AS steps, coalesce(logs, '') AS logs
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return rows;
}

/** @throws MigrationError */
function unapplied(migrations: readonly Migration[], applied: readonly HistoryRow[]): Migration[] {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { migration_name: name, checksum, finished, logs } of applied) {
    const migration = byName.get(name);
    if (!finished && !isMarked(logs, 'in steps')) {
      throw new MigrationError(
        `The migration ${name} failed in this database and was not resolved. Repair the database, then mark it with \`prisma migrate resolve\`.`,
      );
    }
    if (!migration && isMarked(logs, 'expand')) continue;
    if (!migration) {
      throw new MigrationError(
        `The database has the migration ${name}, which this gateway does not know: a newer gateway applied it. Upgrade this one.`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        `The migration ${name} was changed after it was applied to this database. Restore its file; change tables by a new migration.`,
      );
    }
  }
  const names = new Set(applied.filter(({ finished }) => finished).map((row) => row.migration_name));
  return migrations.filter(({ name }) => !names.has(name));
}

const marksOf = ({ expands, steps }: Migration) => [...(expands ? ['expand'] : []), ...(steps ? ['in steps'] : [])].join(', ');
const isMarked = (logs: string, mark: string) => logs.split(', ').includes(mark);

const RECORD = `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, logs, applied_steps_count)
  VALUES ($1, $2, $3, clock_timestamp(), $4, $5)`;
const FINISH = 'UPDATE _prisma_migrations SET finished_at = clock_timestamp() WHERE migration_name = $1 AND rolled_back_at IS NULL';

async function applySteps(
  client: pg.PoolClient,
  migration: Migration,
  steps: readonly string[],
  known: readonly HistoryRow[],
): Promise<void> {
  const { name, checksum } = migration;
  const begun = known.find((row) => row.migration_name === name);
  if (!begun) await client.query(RECORD, [randomUUID(), checksum, name, marksOf(migration), 0]);
  for (const [index, step] of steps.entries()) {
    if (index < (begun?.steps ?? 0)) continue;
    try {
      await applyStep(client, step);
    } catch (error) {
      throw new MigrationError(
        `Step ${index + 1} of the migration ${name} failed: ${error instanceof Error ? error.message : error}. The next start tries it again.`,
        { cause: error },
      );
    }
    await client.query('UPDATE _prisma_migrations SET applied_steps_count = $2 WHERE migration_name = $1 AND rolled_back_at IS NULL', [
      name,
      index + 1,
    ]);
  }
  await client.query(FINISH, [name]);
}

async function applyStep(client: pg.PoolClient, step: string): Promise<void> {
  // It waits for others' transactions, but nobody waits for it.
  const isConcurrent = /\bCONCURRENTLY\b/i.test(step);
  await client.query(`SET lock_timeout = '${isConcurrent ? '0' : LOCK_PATIENCE}'`);
  await untilUnlocked(() => client.query(withoutTimeout(step)));
  await client.query('RESET lock_timeout');
}

async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  const { name, sql, checksum } = migration;
  try {
    await untilUnlocked(async () => {
      await client.query('BEGIN');
      try {
        await client.query(`SET LOCAL lock_timeout = '${LOCK_PATIENCE}'`);
        await client.query(RECORD, [randomUUID(), checksum, name, marksOf(migration), 1]);
        await client.query(withoutTimeout(sql));
        await client.query(FINISH, [name]);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  } catch (error) {
    throw new MigrationError(`The migration ${name} failed and was rolled back: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** Does the work again while others hold a table's lock, for two minutes at most. */
async function untilUnlocked(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries === LOCK_TRIES || (error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
      await delay(LOCK_RETRY_MS);
    }
  }
}
