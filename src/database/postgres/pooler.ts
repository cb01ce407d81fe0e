import type pg from 'pg';
import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';

/**
 * Runs each statement in a transaction of its own that has these settings, on connections that keep none: a pooler in transaction mode gives each
 * transaction any of the server's connections.
 * @param settings e.g. `enable_seqscan = off`
 */
export function inOwnTransactions(pool: pg.Pool, settings: readonly string[]) {
  const begin = ['BEGIN', ...settings.map((setting) => `SET LOCAL ${setting}`)].join('; ');
  return {
    connect: () => pool.connect(),
    query: async <Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>> => {
      const client = await pool.connect();
      let isUsable = true;
      try {
        await client.query(begin);
        const result = await client.query<Row>(config);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        isUsable = await client.query('ROLLBACK').then(
          () => true,
          () => false,
        );
        throw error;
      } finally {
        client.release(!isUsable);
      }
    },
  };
}

/** A setting that the server's connections lack. */
interface LackingSetting {
  readonly name: string;
  readonly is: string;
  readonly shouldBe: string;
}

/**
 * Compares the settings of a pooler's connections with those that the gateway gives to its own (docs/operating.md#through-pgbouncer).
 * @param statementMs the longest time that a statement may take, in ms
 * @param idleMs the longest time that a transaction may idle, in ms
 */
export async function lackingSettings(pool: pg.Pool, statementMs: number, idleMs: number): Promise<LackingSetting[]> {
  const { rows } = await pool.query<LackingSetting & { max: number }>(
    `SELECT name, current_setting(name) AS is, "shouldBe"
     FROM (VALUES ('jit', 'off', NULL), ('statement_timeout', $1::text || 'ms', $1::int),
                  ('idle_in_transaction_session_timeout', $2::text || 'ms', $2::int),
                  ('client_connection_check_interval', '1s', 1000)) AS wanted (name, "shouldBe", max)
     JOIN pg_settings USING (name)
     WHERE CASE WHEN max IS NULL THEN setting <> "shouldBe" ELSE setting::int NOT BETWEEN 1 AND max END`,
    [statementMs, idleMs],
  );
  return rows;
}
