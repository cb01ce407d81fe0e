import type pg from 'pg';
import { ADVISORY_LOCKS } from './advisory-locks.ts';
import { withoutTimeout } from './migrations.ts';

// The index of messages' texts, which costs each message and is therefore the operator's choice (docs/adr/0036). Nothing but the index itself says whether
// it is there: statements that need it ask for it (lists/by-text.ts).

export const TEXT_INDEX = { name: 'message_body_trigram', field: 'body' } as const;

/** `incomplete`: building it was interrupted. `busy`: another process builds or removes it right now. */
export type TextIndexState = 'on' | 'off' | 'incomplete' | 'busy';

/** The index cannot be built or removed. The message says what to do. */
export class TextIndexError extends Error {
  override readonly name = 'TextIndexError';
}

/** Whether the index is there, and its size. */
export async function textIndexState(pool: pg.Pool): Promise<{ readonly state: TextIndexState; readonly size: string }> {
  const { rows } = await pool.query<{ valid: boolean; size: string; busy: boolean }>(
    `SELECT indisvalid AS valid, pg_size_pretty(pg_relation_size(indexrelid)) AS size,
       EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = ${ADVISORY_LOCKS.textIndex}
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS busy
     FROM (SELECT to_regclass('${TEXT_INDEX.name}') AS index) AS named LEFT JOIN pg_index ON indexrelid = index`,
  );
  const { valid, size, busy } = rows[0] ?? {};
  const state = valid ? 'on' : valid === false ? 'incomplete' : 'off';
  return { state: busy ? 'busy' : state, size: size ?? '' };
}

/**
 * Builds the index, unless it is there. Messages are stored meanwhile.
 * @returns whether it was built now
 * @throws TextIndexError
 */
export const buildTextIndex = (pool: pg.Pool): Promise<boolean> =>
  alone(pool, async (client) => {
    const { rows } = await client.query<{ valid: boolean }>(
      `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('${TEXT_INDEX.name}')`,
    );
    if (rows[0]?.valid) return false;
    if (rows[0]) await drop(client);
    for (const extension of ['pg_trgm', 'btree_gin']) {
      await client.query(`CREATE EXTENSION IF NOT EXISTS ${extension}`).catch((error: Error) => {
        throw new TextIndexError(
          `Cannot create the extension ${extension}: ${error.message}. Have the database's owner run CREATE EXTENSION ${extension}, then try again.`,
          { cause: error },
        );
      });
    }
    await client.query(
      withoutTimeout(`CREATE INDEX CONCURRENTLY ${TEXT_INDEX.name} ON message USING gin (organization_sid, body gin_trgm_ops)`),
    );
    return true;
  });

/**
 * Removes the index, if it is there. The extensions stay.
 * @throws TextIndexError
 */
export const dropTextIndex = (pool: pg.Pool): Promise<void> => alone(pool, drop);

const drop = async (client: pg.PoolClient): Promise<void> => {
  await client.query(withoutTimeout(`DROP INDEX CONCURRENTLY IF EXISTS ${TEXT_INDEX.name}`));
};

/** Does the work on one connection, without a time limit, while no other process does such work. */
async function alone<Result>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    // If this process dies, the server ends its statement within a second. Not every platform supports the setting.
    await client.query("SET client_connection_check_interval = '1s'").catch(() => {});
    await client.query('SET statement_timeout = 0');
    const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${ADVISORY_LOCKS.textIndex}) AS taken`);
    if (!rows[0]?.taken) throw new TextIndexError('Another process builds or removes the index right now. Try again when it has finished.');
    try {
      return await work(client);
    } finally {
      // The embedded database is one session, which keeps its locks.
      await client.query(`SELECT pg_advisory_unlock(${ADVISORY_LOCKS.textIndex})`).catch(() => {});
    }
  } finally {
    // Closing the connection ends the settings, and an error's state.
    client.release(true);
  }
}
