import { parseArgs } from 'node:util';
import { copyTables } from '../../database/copy-tables.ts';
import { hasEmbedded, openEmbedded } from '../../database/embedded/embedded.ts';
import { migrate } from '../../database/migrations.ts';
import { MIGRATIONS } from '../../database/package-root.ts';
import { openPostgres } from '../../database/postgres/postgres.ts';
import { parseEnv } from '../../env.ts';
import { SettingsError } from '../../settings-error.ts';
import { exitCodeOf, STATEMENT_TIMEOUT_MS, type Terminal, UsageError } from '../session.ts';

const USAGE = `Copies the embedded database into a PostgreSQL database, which must be empty. Stop the gateway first.

  npm run move -- --to postgresql://user:password@host:5432/database

DATA_DIR says where the embedded database is. It gets the migrations that it lacks, like a gateway's at its start, and keeps its rows. All of it is copied, or
nothing.

Exit codes: 0 done, 1 failed, 2 invalid usage.`;

const PATIENCE_MS = 10_000;

/**
 * Runs `npm run move`.
 * @returns the exit code, see exitCodeOf
 */
export function runMove(args: readonly string[], terminal: Terminal): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const url = targetOf(args);
    if (url === undefined) return terminal.print(USAGE);
    // DATABASE_URL may already name the target. The source is the embedded database in any case.
    const { dataDir } = parseEnv({
      ...terminal.env,
      DATABASE_URL: undefined,
      DATABASE_POOLER_URL: undefined,
      DATABASE_REPLICA_URL: undefined,
    });
    if (!hasEmbedded(dataDir)) throw new SettingsError(`There is no database in ${dataDir} (DATA_DIR).`);
    const target = await openPostgres(url, { patienceMs: PATIENCE_MS, requestTimeoutMs: STATEMENT_TIMEOUT_MS });
    try {
      const source = await openEmbedded(dataDir);
      try {
        for (const { pool } of [source, target]) await migrate(pool, MIGRATIONS);
        let rows = 0;
        await copyTables(source.pool, target.pool, (table) => {
          rows += table.rows;
          if (table.rows > 0) terminal.print(`${table.name.padEnd(24)} ${String(table.rows).padStart(10)}`);
        });
        terminal.print(ending(rows, dataDir, terminal.env));
      } finally {
        await source.close();
      }
    } finally {
      await target.close();
    }
  });
}

/** @returns undefined where help is asked for */
function targetOf(args: readonly string[]): string | undefined {
  let values: { to?: string; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options: { to: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }));
  } catch {
    throw new UsageError(USAGE);
  }
  if (values.help) return undefined;
  if (!/^postgres(ql)?:\/\//.test(values.to ?? '')) throw new UsageError(USAGE);
  return values.to;
}

function ending(rows: number, dataDir: string, { SECRETS_KEY, SECRETS_KEYS }: Terminal['env']): string {
  const key =
    SECRETS_KEY || SECRETS_KEYS
      ? 'the same SECRETS_KEY or SECRETS_KEYS'
      : `SECRETS_KEYS, the lines of ${dataDir}/secrets.key with commas between them`;
  return `
${rows} rows copied and compared. Start the gateway with DATABASE_URL and ${key}.
The embedded database keeps its rows: do not start a gateway on it again, since both would send what is waiting.`;
}
