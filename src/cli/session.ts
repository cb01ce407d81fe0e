import type pg from 'pg';
import { pino } from 'pino';
import { connect } from '../database/connect.ts';
import { CopyError } from '../database/copy-tables.ts';
import { DataDirectoryError } from '../database/embedded/data-directory.ts';
import { DirectoryInUseError } from '../database/embedded/directory-lock.ts';
import { hasEmbedded } from '../database/embedded/embedded.ts';
import { masterKeysOf, SecretsKeyError } from '../database/embedded/secrets-key.ts';
import { MigrationError, migrate } from '../database/migrations.ts';
import { MIGRATIONS } from '../database/package-root.ts';
import { ConnectionError } from '../database/postgres/postgres.ts';
import { TextIndexError } from '../database/text-index.ts';
import { AccountError, hasAccounts } from '../domain/access/accounts.ts';
import type { Gateway } from '../domain/gateway.ts';
import { createSecrets } from '../domain/secrets.ts';
import { parseEnv, type Settings } from '../env.ts';
import { createLog } from '../log.ts';
import { SettingsError } from '../settings-error.ts';

/** The environment and output of a command: the process', or a test's. */
export interface Terminal {
  readonly env: Record<string, string | undefined>;
  print(text: string): void;
  printError(text: string): void;
}

/** The command's arguments are invalid. The message shows the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command could not do all of its work. The message names the rest. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Errors whose message suffices. */
const EXPECTED = [
  AccountError,
  CommandError,
  ConnectionError,
  CopyError,
  DataDirectoryError,
  DirectoryInUseError,
  MigrationError,
  SecretsKeyError,
  SettingsError,
  TextIndexError,
];

/**
 * Runs a command and prints its error, if any: a sentence, and with LOG_LEVEL=debug or trace the stack of an error that nobody expected.
 * @returns the exit code: 0 done, 1 failed, 2 invalid usage
 */
export async function exitCodeOf(terminal: Terminal, command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.printError(error.message);
      return 2;
    }
    terminal.printError(textOf(error, terminal.env));
    return 1;
  }
}

function textOf(error: unknown, { LOG_LEVEL = '' }: Terminal['env']): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof DirectoryInUseError)
    return `${error.message}\nThe embedded database allows one process at a time; PostgreSQL (DATABASE_URL) allows many.`;
  if (EXPECTED.some((kind) => error instanceof kind)) return error.message;
  if (/^(debug|trace)$/i.test(LOG_LEVEL.trim())) return error.stack ?? error.message;
  // Prisma's messages begin with the call that failed, and end with the reason.
  const reason =
    error.message
      .trim()
      .split(/\n\s*\n/)
      .at(-1) || error.name;
  return `An unexpected error: ${reason}\nRun it again with LOG_LEVEL=debug to see where it occurs.`;
}

/** In place of REQUEST_TIMEOUT: statements of a command may take long. */
export const STATEMENT_TIMEOUT_MS = 2 * 60 * 60_000;

export type Session = Pick<Gateway, 'prisma' | 'sql' | 'secrets' | 'log'> & {
  readonly settings: Settings;
  /** Connections to the server itself. */
  readonly pool: pg.Pool;
};

/**
 * Opens the gateway's database by the gateway's settings, migrates it, and closes it after the work.
 * @param options.mayCreate whether to create an embedded database if there is none
 * @throws SettingsError if there is none and it may not be created, or a setting is invalid
 */
export async function withDatabase<Result>(
  { env }: Terminal,
  options: { readonly mayCreate: boolean },
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const settings = parseEnv(env);
  if (!settings.databaseUrl && !options.mayCreate && !hasEmbedded(settings.dataDir)) {
    throw new SettingsError(`There is no database in ${settings.dataDir} (DATA_DIR) yet.`);
  }
  const secrets = createSecrets(...(await masterKeysOf(settings)));
  const log = createLog(settings.logLevel, pino.destination({ fd: 2, sync: true }));
  // Not through a pooler, whose connections have the timeouts of requests, and not from a standby, which commands do without.
  const database = await connect({ ...settings, poolerUrl: undefined, replicaUrl: undefined, log, requestTimeoutMs: STATEMENT_TIMEOUT_MS });
  try {
    await migrate(database.directPool, MIGRATIONS);
    // Fails if SECRETS_KEY is not the database's key.
    await hasAccounts({ sql: database.sql, secrets });
    return await work({ prisma: database.prisma, sql: database.sql, secrets, settings, log, pool: database.directPool });
  } finally {
    await database.close();
  }
}
