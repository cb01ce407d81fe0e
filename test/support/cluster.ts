import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const VERSIONS = '/usr/lib/postgresql';

/** A PostgreSQL server of a test's own, on a small disk of its own, which can be crashed. */
export interface TestCluster {
  readonly url: string;
  /** A file system of its own; whoever fills it fills nothing else. */
  readonly directory: string;
  /** Starts it, if it does not run. */
  start(): Promise<void>;
  /** Ends it without letting it write anything. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** @returns `undefined`, and says so, where there is no PostgreSQL to start, or this process may not change its user and mount a disk */
export async function startCluster(megabytes: number): Promise<TestCluster | undefined> {
  const version = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((one, other) => Number(other) - Number(one))[0] : undefined;
  const directory = await mkdtemp(join(tmpdir(), 'gateway-cluster-'));
  const port = await freePort();
  const as = (program: string, ...args: string[]) =>
    execute(
      'setpriv',
      ['--reuid=postgres', '--regid=postgres', '--clear-groups', join(VERSIONS, String(version), 'bin', program), ...args],
      {
        cwd: directory,
      },
    );
  const data = join(directory, 'data');
  const control = (...args: string[]) => as('pg_ctl', '-D', data, '-s', '-w', '-t', '30', ...args);
  let isMounted = false;
  const remove = async () => {
    if (isMounted) await execute('umount', ['--lazy', directory]);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    if (version === undefined) throw new Error(`nothing in ${VERSIONS}`);
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
    isMounted = true;
    await chmod(directory, 0o777);
    await as(
      'initdb',
      '-D',
      data,
      '-U',
      'root',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-instructions',
      '--wal-segsize=1',
    );
  } catch (error) {
    await remove();
    console.log(`A PostgreSQL that crashes is not tested: ${String(error).split('\n', 1)[0]}`);
    return undefined;
  }
  const options = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 -c min_wal_size=2MB -c max_wal_size=16MB -c shared_buffers=16MB`;
  const start = async () => {
    const isRunning = await control('status').then(
      () => true,
      () => false,
    );
    if (!isRunning) await control('start', '-l', join(directory, 'log'), '-o', options);
  };
  const crash = async () => void (await control('stop', '-m', 'immediate').catch(() => {}));
  await start();
  return {
    url: `postgresql://root@127.0.0.1:${port}/postgres`,
    directory,
    start,
    crash,
    close: async () => {
      await crash();
      await remove();
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
