import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CommandError, exitCodeOf, type Terminal, UsageError } from '../session.ts';
import { bulkClient } from './bulk-client.ts';

const USAGE = `Downloads the app package of a bot from a running gateway: the zip that an administrator uploads to Teams.

  npm run --silent app-package -- <bot sid> [options]

  --output FILE   teams-app-<version>.zip unless given
  --gateway URL   without it, PORT and HOST say where the gateway listens

ACCOUNT_SID and AUTH_TOKEN are the credentials of an account.

Exit codes: 0 done, 1 there is no package, 2 invalid usage.`;

const PACKAGE = 'query ($sid: ID!) { result: bot(sid: $sid) { appPackage { url version } } }';

/**
 * Runs `npm run app-package -- …`.
 * @returns the exit code, see exitCodeOf
 */
export function runAppPackage(args: readonly string[], terminal: Terminal): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const { positionals, values } = parse(args);
    if (values.help) return terminal.print(USAGE);
    const [sid, ...more] = positionals;
    if (sid === undefined || more.length > 0) throw new UsageError(USAGE);
    const client = bulkClient(terminal, values.gateway);
    const { appPackage } = await client.graph<{ appPackage: { url: string; version: string } | null }>(PACKAGE, { sid });
    if (!appPackage) throw new CommandError("The bot's application id is not a GUID, which Teams requires.");
    const response = await client.follow(appPackage.url);
    if (!response.ok) throw new CommandError(`The gateway refused the download: ${response.status}`);
    const file = values.output ?? `teams-app-${appPackage.version}.zip`;
    await writeFile(file, Buffer.from(await response.arrayBuffer())).catch((error: Error) => {
      throw new CommandError(`Cannot write ${file}: ${error.message}`);
    });
    terminal.print(
      `${file}: version ${appPackage.version}. Upload it in the Teams admin center, or in Teams under Apps, Manage your apps.`,
    );
  });
}

function parse(args: readonly string[]) {
  try {
    const options = { output: { type: 'string' }, gateway: { type: 'string' }, help: { type: 'boolean' } } as const;
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
