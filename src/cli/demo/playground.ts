import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { packageRoot } from '../../database/package-root.ts';
import { PLAYGROUND_TEAM } from '../../platforms/microsoft/playground.ts';
import { CommandError } from '../session.ts';
import { type Service, startService } from './service.ts';

// Microsoft 365 Agents Playground, a development dependency: only demos and tests start it.

const CLI = join(packageRoot(), 'node_modules', '@microsoft', 'm365agentsplayground', 'cli.js');

export const PLAYGROUND_PORT = 56150;

/** The bot that the playground writes to. */
export const PLAYGROUND_BOT = {
  applicationId: '5b0c6a0e-3c1f-4c57-9d27-0f6f0b0a5e01',
  tenantId: '5b0c6a0e-3c1f-4c57-9d27-0f6f0b0a5e02',
} as const;

/** The person who sits before the playground. */
export const PLAYGROUND_USER = person('Sunny', 'Kohl', 10);

/** Its file of settings. It demands five more people. */
const CONFIGURATION = {
  version: '0.1.1',
  tenantId: PLAYGROUND_BOT.tenantId,
  bot: { id: PLAYGROUND_BOT.applicationId, name: 'SMS' },
  currentUser: PLAYGROUND_USER,
  users: [
    person('Ada', 'Lang', 11),
    person('Ben', 'Marek', 12),
    person('Cleo', 'Nasser', 13),
    person('Dan', 'Okafor', 14),
    person('Eva', 'Prinz', 15),
  ],
  personalChat: { id: 'personal-chat-id' },
  groupChat: { id: 'group-chat-id', name: 'Group Chat' },
  team: { id: PLAYGROUND_TEAM, name: 'Kohl', aadGroupId: '5b0c6a0e-3c1f-4c57-9d27-0f6f0b0a5e03', channels: [] },
};

function person(givenName: string, surname: string, n: number) {
  const address = `${givenName}.${surname}@kohl.example`.toLowerCase();
  return {
    id: `29:${address}`,
    name: `${givenName} ${surname}`,
    // The playground's own spelling.
    userPrincipleName: address,
    aadObjectId: `5b0c6a0e-3c1f-4c57-9d27-0f6f0b0a5e${n}`,
    ...{ givenName, surname, email: address },
  };
}

/**
 * Makes every server of the process that loads it listen on loopback only. The playground has no such option, and would let the whole network
 * write to the bot.
 */
const LOOPBACK_ONLY = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (port, ...rest) {
    return typeof port === 'number' ? listen.call(this, port, '127.0.0.1', ...rest) : listen.call(this, port, ...rest);
  };
`)}`;

/**
 * Starts the playground. Its page is at `http://localhost:port`.
 * @param options.directory for its settings and its log
 * @param options.port a free one
 * @param options.gatewayUrl whose bot endpoint it posts to
 * @throws CommandError if it is not installed or does not start
 */
export async function startPlayground({
  directory,
  port,
  gatewayUrl,
}: {
  directory: string;
  port: number;
  gatewayUrl: string;
}): Promise<Service> {
  if (!existsSync(CLI)) throw new CommandError('The playground is not installed. It is a development dependency: run npm ci.');
  const configuration = join(directory, 'playground.yml');
  // JSON is YAML.
  writeFileSync(configuration, JSON.stringify(CONFIGURATION, undefined, 2));
  const service = await startService({
    args: [
      '--import',
      LOOPBACK_ONLY,
      CLI,
      'start',
      '--disable-telemetry',
      '-c',
      'msteams',
      '-p',
      String(port),
      '-e',
      `${gatewayUrl}/api/messages`,
    ],
    env: {
      TEAMSAPPTESTER_BROWSER: 'none',
      M365_AGENTS_PLAYGROUND_CONFIG_PATH: configuration,
      M365_AGENTS_PLAYGROUND_LOGFILE: join(directory, 'playground.log'),
    },
    cwd: directory,
    listening: /Listening on (\d+)/,
  }).catch((error: Error) => {
    throw new CommandError(`The playground did not start:\n${error.message}`);
  });
  if (service.address === String(port)) return service;
  // It took another port, since this one was not free any more.
  await service.stop();
  throw new CommandError(`Port ${port} is in use.`);
}

/** @returns `preferred`, or any free port if that is in use */
export async function freePort(preferred: number): Promise<number> {
  return (await portIfFree(preferred)) ?? (await portIfFree(0)) ?? 0;
}

function portIfFree(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
