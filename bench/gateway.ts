import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../src/database/package-root.ts';
import { ask } from './database.ts';
import { SERVER_CORE } from './machine.ts';
import { freePort, type Server, serve } from './server.ts';

// The gateway as `npm start` starts it: built, with all that it checks switched on.

export const ACCOUNT_SID = `AC${'0'.repeat(31)}1`;
const SETTLE_MS = 10 * 60_000;
const AUTH_TOKEN = 'bench-token-of-nobody';
/** The Authorization of an account of the bench. */
export const basic = (sid: string) => `Basic ${Buffer.from(`${sid}:${AUTH_TOKEN}`).toString('base64')}`;
export const ENVIRONMENT = {
  BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID,
  BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN,
  SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
  // The load is one caller's, far above what one may ask, or have open.
  RATE_LIMIT: 'off',
  MAX_SOCKETS_PER_ACCOUNT: '100000',
  MAX_SUBSCRIPTIONS_PER_ACCOUNT: '100000',
  EVENT_RETENTION: '3650',
};

const { scripts } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { scripts: { start: string } };
/** What `npm start` runs, with node's own options in it. */
export const START = scripts.start.replace(/^exec /, '');

interface GatewayOptions {
  readonly core?: string;
  /** Further options of node. */
  readonly node?: string;
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take until it is ready, in ms. */
  readonly patienceMs?: number;
}

/** The gateway on PostgreSQL, ready. */
export const startGateway = (databaseUrl: string, options: GatewayOptions = {}): Promise<Server> =>
  startOn({ DATABASE_URL: databaseUrl }, options);

/** The gateway on its embedded database, ready. */
export const startEmbedded = (dataDir: string, options: GatewayOptions = {}): Promise<Server> => startOn({ DATA_DIR: dataDir }, options);

async function startOn(
  database: Readonly<Record<string, string>>,
  { core = SERVER_CORE, node = '', env = {}, patienceMs = 30_000 }: GatewayOptions,
): Promise<Server> {
  const port = await freePort();
  const [program = '', ...rest] = START.split(' ');
  return serve('gateway', core, ['sh', '-c', `exec ${program} ${node} ${rest.join(' ')}`], {
    port,
    path: '/health/ready',
    patienceMs,
    env: { ...ENVIRONMENT, ...env, ...database, PORT: String(port) },
  });
}

/** Has the gateway do what it puts off when many messages are stored: it would do so while something is measured. */
export async function settled(databaseUrl: string): Promise<void> {
  const gateway = await startGateway(databaseUrl);
  const until = performance.now() + SETTLE_MS;
  const left = `SELECT EXISTS (SELECT FROM usage_change) OR EXISTS (SELECT FROM usage_fill) OR EXISTS (SELECT FROM conversation_fill) AS "isLeft"`;
  while ((await ask<{ isLeft: boolean }>(databaseUrl, left))[0]?.isLeft) {
    if (performance.now() > until) throw new Error('The gateway has not finished adding up usage and conversations.');
    await delay(250);
  }
  await gateway.stop();
}

/** Has the gateway bring an empty database to its newest migration, with the bench's account. */
export async function migrated(databaseUrl: string): Promise<void> {
  const gateway = await startGateway(databaseUrl);
  await gateway.stop();
}
