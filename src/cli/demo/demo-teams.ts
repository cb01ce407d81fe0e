import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../database/package-root.ts';
import { createClient } from '../client.ts';
import { CommandError, exitCodeOf, type Terminal, UsageError } from '../session.ts';
import { terminal } from '../terminal.ts';
import { DEMO_DIRECTORY, readSession, writeSession } from './demo-session.ts';
import { NUMBER, PHONE, setUpDemo } from './demo-setup.ts';
import { freePort, PLAYGROUND_PORT, PLAYGROUND_USER, startPlayground } from './playground.ts';
import { type Service, startService } from './service.ts';

const USAGE = `Starts a gateway and Microsoft 365 Agents Playground, a chat like Teams' in the browser, and maps the user there to a number. Ctrl-C ends both.

  npm run demo:teams

They listen on the ports ${PLAYGROUND_PORT} (Teams) and 4000 (the gateway), or on free ones if these are in use; PORT sets the gateway's. Only this
machine can connect. The database is in ${DEMO_DIRECTORY} and is deleted at the end.`;

const GATEWAY_PORT = 4000;

/** @returns the gateway's port: the one that PORT demands, else the usual one or any that is free */
async function gatewayPort({ PORT = '' }: Terminal['env']): Promise<number> {
  if (PORT.trim() === '') return freePort(GATEWAY_PORT);
  const port = Number(PORT);
  if (!/^\s*\d+\s*$/.test(PORT) || port > 65_535) throw new CommandError(`PORT is invalid (${PORT}): expected a port from 0 to 65535`);
  const free = await freePort(port);
  if (port !== 0 && free !== port) throw new CommandError(`Port ${port} (PORT) is in use, or not permitted.`);
  return free;
}

/** Resolves at the first signal to end. */
function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

function startGateway(directory: string, playgroundPort: number, port: number, account: { sid: string; token: string }): Promise<Service> {
  return startService({
    args: ['--enable-source-maps', join(packageRoot(), 'dist', 'main.js')],
    env: {
      PORT: String(port),
      DATA_DIR: join(directory, 'database'),
      TEAMS_PLATFORM: 'playground',
      PLAYGROUND_URL: `http://localhost:${playgroundPort}`,
      BOOTSTRAP_ACCOUNT_SID: account.sid,
      BOOTSTRAP_AUTH_TOKEN: account.token,
      LOG_LEVEL: 'warn',
    },
    cwd: directory,
    listening: /listening on (http:\S+)\n/,
  }).catch((error: Error) => {
    throw new CommandError(`The gateway did not start:\n${error.message}`);
  });
}

/** Runs the demo until a signal, or until one of its two programs ends by itself. */
async function run(directory: string, ended: Promise<void>): Promise<void> {
  const account = { sid: `AC${randomBytes(16).toString('hex')}`, token: randomBytes(16).toString('hex') };
  const services: Service[] = [];
  try {
    terminal.print('Starting the gateway and the playground …');
    const playgroundPort = await freePort(PLAYGROUND_PORT);
    const gateway = await startGateway(directory, playgroundPort, await gatewayPort(terminal.env), account);
    services.push(gateway);
    const gatewayUrl = gateway.address;
    const playground = await startPlayground({ directory, port: playgroundPort, gatewayUrl });
    services.push(playground);
    await setUpDemo(createClient(gatewayUrl, account.sid, account.token));
    const playgroundUrl = `http://localhost:${playgroundPort}`;
    const [accountSid, authToken] = [account.sid, account.token];
    writeSession(directory, { pid: process.pid, gatewayUrl, playgroundUrl, accountSid, authToken, number: NUMBER });
    terminal.print(`
The gateway runs at ${gatewayUrl}/graphql (account ${accountSid}, token ${authToken}).

1. Open Teams in a browser: ${playgroundUrl}
   You are ${PLAYGROUND_USER.name}, and your number is ${NUMBER}.
2. Play a phone, in another terminal:

     npm run phone -- ${PHONE} "Hello, are you open tomorrow?"

3. The SMS appears in Teams. Answer it there: the phone shows your answer.

Ctrl-C ends all of it.
`);
    await Promise.race([ended, ...services.map((service) => service.ended.then(failed))]);
    terminal.print('Ending …');
  } finally {
    // The gateway first: it may still have something to post.
    for (const service of services) await service.stop();
  }
}

function failed(printed: string): never {
  throw new CommandError(`The demo ended, because one of its programs did:\n${printed}`);
}

process.exitCode = await exitCodeOf(terminal, async () => {
  if (['--help', '-h'].includes(process.argv[2] ?? '')) return terminal.print(USAGE);
  if (process.argv.length > 2) throw new UsageError(USAGE);
  const ended = endSignal();
  const running = readSession(DEMO_DIRECTORY);
  if (running) throw new CommandError(`A demo already runs: ${running.playgroundUrl}`);
  const directory = resolve(DEMO_DIRECTORY);
  // Of a demo that was killed.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  try {
    await run(directory, ended);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
