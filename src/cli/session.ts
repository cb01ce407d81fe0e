import { pino } from 'pino';
import { connect } from '../database/connect.ts';
import { DataDirectoryError } from '../database/embedded/data-directory.ts';
import { DirectoryInUseError } from '../database/embedded/directory-lock.ts';
import { hasEmbedded } from '../database/embedded/embedded.ts';
import { masterKeysOf, SecretsKeyError } from '../database/embedded/secrets-key.ts';
import { MigrationError, migrate } from '../database/migrations.ts';
import { MIGRATIONS } from '../database/package-root.ts';
import { ConnectionError } from '../database/postgres/postgres.ts';
import { AccountError, hasAccounts } from '../domain/access/accounts.ts';
import type { Gateway } from '../domain/gateway.ts';
import { createSecrets } from '../domain/secrets.ts';
import { parseEnv, type Settings } from '../env.ts';
import { createLog } from '../log.ts';
import { SettingsError } from '../settings-error.ts';

/** What a command is run with: the process, or a test. */
export interface Terminal {
  readonly env: Record<string, string | undefined>;
  print(text: string): void;
  complain(text: string): void;
}

/** The command was called wrongly. The message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command could not do all that it was asked. The message says what is left. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

const EXPECTED = [
  AccountError,
  CommandError,
  ConnectionError,
  DataDirectoryError,
  DirectoryInUseError,
  MigrationError,
  SecretsKeyError,
  SettingsError,
];

/**
 * Runs a command to its exit code: 0 done, 1 failed and nothing was changed, 2 called wrongly. What can be expected to go wrong is told
 * in its own words, anything else with its stack.
 */
export async function exitCodeOf(terminal: Terminal, command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(error.message);
      return 2;
    }
    terminal.complain(told(error));
    return 1;
  }
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof DirectoryInUseError)
    return `${error.message}\nThe embedded database takes one process at a time; PostgreSQL (DATABASE_URL) takes many.`;
  return EXPECTED.some((kind) => error instanceof kind) ? error.message : (error.stack ?? error.message);
}

/** Twice what a command's statement may take, in ms. */
const LONG_MS = 2 * 60 * 60_000;

export type Session = Pick<Gateway, 'prisma' | 'secrets' | 'log'> & { readonly settings: Settings };

/**
 * Opens the gateway's own database by the gateway's own settings, migrated, and closes it after the work.
 * @param options.mayCreate whether an embedded database that is not there is made
 */
export async function withDatabase<Result>(
  { env }: Terminal,
  options: { readonly mayCreate: boolean },
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const settings = parseEnv(env);
  if (!settings.databaseUrl && !options.mayCreate && !hasEmbedded(settings.dataDir)) {
    throw new SettingsError(`There is no database in ${settings.dataDir} (DATA_DIR) yet, hence no account.`);
  }
  const secrets = createSecrets(...(await masterKeysOf(settings)));
  const log = createLog(settings.logLevel, pino.destination({ fd: 2, sync: true }));
  // No request waits for a command's statements.
  const database = await connect({ ...settings, log, requestTimeoutMs: LONG_MS });
  try {
    await migrate(database.pool, MIGRATIONS);
    await hasAccounts({ prisma: database.prisma, secrets });
    return await work({ prisma: database.prisma, secrets, settings, log });
  } finally {
    await database.close();
  }
}

/** The terminal of this process. */
export const terminal: Terminal = {
  env: process.env,
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
};
