import { addSecretsKey } from '../database/embedded/secrets-key.ts';
import { type RotatedTable, rotateSecrets } from '../domain/access/key-rotation.ts';
import { configuredUrls } from '../platforms/connect.ts';
import { createOutbound } from '../platforms/outbound.ts';
import { createHttpRestcomm } from '../platforms/restcomm/http.ts';
import { SettingsError } from '../settings-error.ts';
import { CommandError, exitCodeOf, type Session, type Terminal, UsageError, withDatabase } from './session.ts';

const USAGE = `Brings what is stored under retired master keys under the current one, with the gateway's own settings.

  npm run secrets:rotate                 the current key is the first of SECRETS_KEYS, or of DATA_DIR/secrets.key
  npm run secrets:rotate -- --new-key    puts a new key in front of DATA_DIR/secrets.key first

It says for each table how many values were brought over and what still needs a retired key; run it again until nothing does. With
PostgreSQL the gateway goes on meanwhile, all its instances with the same SECRETS_KEYS. The embedded database takes one process at a
time, so stop the gateway first.

Exit codes: 0 done, 1 failed, or something could not be brought over, 2 called wrongly.`;

/** `npm run secrets:rotate`. @returns the exit code */
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
        failed.map(({ table, what, failed }) => `${table} (${what}) could not be brought over: ${failed.join(', ')}`).join('\n'),
      );
    }
  });
}

async function addKey({ settings }: Session): Promise<void> {
  if (settings.databaseUrl || settings.secretsKeys)
    throw new UsageError('--new-key is for the key file of the embedded database. Put the new key in front of SECRETS_KEYS instead.');
  await addSecretsKey(settings.dataDir);
}

function rotate({ prisma, secrets, settings, log }: Session): Promise<RotatedTable[]> {
  const { restcomm, publicUrl } = settings;
  if (restcomm && !publicUrl)
    throw new SettingsError('PUBLIC_URL is mandatory here with RESTCOMM_URL: numbers are told their new addresses under it.');
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
      : 'Nothing needs a retired key any more: take them out of SECRETS_KEYS, or secrets.key.',
  ].join('\n');
}
