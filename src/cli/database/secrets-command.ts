import { addSecretsKey } from '../../database/embedded/secrets-key.ts';
import { type RotatedTable, rotateSecrets } from '../../domain/access/key-rotation.ts';
import { configuredUrls } from '../../platforms/connect.ts';
import { createOutbound } from '../../platforms/outbound.ts';
import { createHttpRestcomm } from '../../platforms/restcomm/http.ts';
import { SettingsError } from '../../settings-error.ts';
import { CommandError, exitCodeOf, type Session, type Terminal, UsageError, withDatabase } from '../session.ts';

const USAGE = `Migrates stored values from retired master keys to the current one. Uses the gateway's settings.

  npm run secrets:rotate                 the current key is the first of SECRETS_KEYS, or of DATA_DIR/secrets.key
  npm run secrets:rotate -- --new-key    first adds a new key at the beginning of DATA_DIR/secrets.key

Prints for each table how many values were migrated and how many still need a retired key; run it again until none does. With
PostgreSQL the gateway can keep running, all instances with the same SECRETS_KEYS. The embedded database allows one process at
a time, so stop the gateway first.

Exit codes: 0 done, 1 failed, or a value could not be migrated, 2 invalid usage.`;

/**
 * Runs `npm run secrets:rotate`.
 * @returns the exit code, see exitCodeOf
 */
export function runSecrets(args: readonly string[], terminal: Terminal): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const [option, ...more] = args;
    if (option === '--help' || option === '-h') return terminal.print(USAGE);
    if ((option !== undefined && option !== '--new-key') || more.length > 0) throw new UsageError(USAGE);
    if (option === '--new-key') await withDatabase(terminal, { mayCreate: false }, addKey);
    const tables = await withDatabase(terminal, { mayCreate: false }, rotate);
    terminal.print(report(tables));
    const failed = tables.filter((table) => table.failed.length > 0);
    if (failed.length > 0) {
      throw new CommandError(
        failed.map(({ table, what, failed }) => `${table} (${what}) could not be migrated: ${failed.join(', ')}`).join('\n'),
      );
    }
  });
}

async function addKey({ settings }: Session): Promise<void> {
  if (settings.databaseUrl || settings.secretsKeys)
    throw new UsageError(
      '--new-key is for the key file of the embedded database. Add the new key at the beginning of SECRETS_KEYS instead.',
    );
  await addSecretsKey(settings.dataDir);
}

function rotate({ prisma, secrets, settings, log }: Session): Promise<RotatedTable[]> {
  const { restcomm, publicUrl } = settings;
  if (restcomm && !publicUrl)
    throw new SettingsError('PUBLIC_URL is mandatory here with RESTCOMM_URL: the new webhook URLs of numbers begin with it.');
  return rotateSecrets({
    prisma,
    secrets,
    log,
    publicUrl: publicUrl ?? '',
    restcomm: restcomm && createHttpRestcomm({ ...restcomm, fetch: createOutbound({ isConfigured: configuredUrls({ restcomm }) }) }),
  });
}

function report(tables: readonly RotatedTable[]): string {
  const lines = tables.map(({ table, what, done, left, leftUntil, hint }) => {
    const end = leftUntil && left > 0 ? `until ${leftUntil.toISOString()}` : '';
    const remark = [end, left > 0 || done === 0 ? hint : undefined].filter(Boolean).join(', ');
    return `${table.padEnd(16)} ${what.padEnd(38)} ${String(done).padStart(7)} done ${String(left).padStart(7)} left${remark && `  (${remark})`}`;
  });
  const needed = tables.some(({ left }) => left > 0);
  return [
    ...lines,
    '',
    needed
      ? 'Keep the retired keys, and run this again.'
      : 'No value needs a retired key anymore: remove them from SECRETS_KEYS, or secrets.key.',
  ].join('\n');
}
