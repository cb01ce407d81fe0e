import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const VERSIONS = '/usr/lib/postgresql';
const FAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1'];

/** A PostgreSQL server of a test's own, on a small disk of its own, which can be crashed. */
export interface TestCluster {
  readonly url: string;
  /** A file system of its own, which a test can fill without filling another one. */
  readonly directory: string;
  /** Starts it, if it does not run. */
  start(): Promise<void>;
  /** Ends it without letting it write anything. */
  crash(): Promise<void>;
  /** Ends its connections, and starts it again. */
  restart(): Promise<void>;
  /** Starts a server that follows it. */
  standby(): Promise<TestStandby>;
  /** Sets its clock so far ahead of the real one, or behind it, in seconds. Only with `ownClock`. */
  stepClock(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** A server that follows another. */
export interface TestStandby {
  readonly url: string;
  /** Makes it a server of its own. */
  promote(): Promise<void>;
  /** Ends its connections and stops it. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface ClusterOptions {
  /** Further settings of the server, e.g. `max_connections=30`. */
  readonly settings?: readonly string[];
  /** Whether its clock can be stepped, by libfaketime. */
  readonly ownClock?: boolean;
}

/**
 * Starts a server on a disk of so many megabytes.
 * @returns `undefined`, and says so, where there is no PostgreSQL to start, or this process may not change its user and mount a disk
 */
export async function startCluster(megabytes: number, { settings = [], ownClock = false }: ClusterOptions = {}) {
  const version = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((one, other) => Number(other) - Number(one))[0] : undefined;
  const directory = await mkdtemp(join(tmpdir(), 'gateway-cluster-'));
  const clock = join(directory, 'clock');
  const faketime = ownClock ? FAKETIME.find((file) => existsSync(file)) : undefined;
  // Set for PostgreSQL's programs alone: the library shares memory with its children, which another user could not open.
  const environment = faketime
    ? [
        ...['env', `LD_PRELOAD=${faketime}`, `FAKETIME_TIMESTAMP_FILE=${clock}`],
        ...['FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'],
      ]
    : [];
  const as = (program: string, ...args: string[]) =>
    execute(
      'setpriv',
      [
        ...['--reuid=postgres', '--regid=postgres', '--clear-groups', ...environment],
        ...[join(VERSIONS, String(version), 'bin', program), ...args],
      ],
      { cwd: directory },
    );
  let isMounted = false;
  const remove = async () => {
    if (isMounted) await execute('umount', ['--lazy', directory]);
    await rm(directory, { recursive: true, force: true });
  };

  /** A server on this data. */
  const serverOn = async (data: string, ...more: readonly string[]) => {
    const port = await freePort();
    const control = (...args: string[]) => as('pg_ctl', '-D', data, '-s', '-w', '-t', '30', ...args);
    const options = [...['listen_addresses=127.0.0.1', 'min_wal_size=2MB', 'max_wal_size=16MB', 'shared_buffers=16MB'], ...more].map(
      (setting) => `-c ${setting}`,
    );
    const startIt = (how: string) => control(how, '-l', `${data}.log`, '-o', `-p ${port} -k ${directory} ${options.join(' ')}`);
    return { port, url: `postgresql://root@127.0.0.1:${port}/postgres`, control, startIt };
  };

  const data = join(directory, 'data');
  try {
    if (version === undefined) throw new Error(`nothing in ${VERSIONS}`);
    if (ownClock && !faketime) throw new Error('no libfaketime');
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
    isMounted = true;
    await chmod(directory, 0o777);
    await writeFile(clock, '+0');
    await as(
      'initdb',
      ...['-D', data, '-U', 'root', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions', '--wal-segsize=1'],
    );
  } catch (error) {
    await remove();
    console.log(`A PostgreSQL of its own is not tested: ${String(error).split('\n', 1)[0]}`);
    return undefined;
  }
  const { port, url, control, startIt } = await serverOn(data, ...settings);
  const others: (() => Promise<unknown>)[] = [];
  const crash = async () => void (await control('stop', '-m', 'immediate').catch(() => {}));
  const cluster: TestCluster = {
    url,
    directory,
    start: async () => {
      const isRunning = await control('status').then(
        () => true,
        () => false,
      );
      if (!isRunning) await startIt('start');
    },
    crash,
    restart: async () => void (await startIt('restart')),
    standby: async () => {
      const copy = join(directory, 'standby');
      await as('pg_basebackup', '-h', '127.0.0.1', '-p', String(port), '-U', 'root', '-D', copy, '-R', '-X', 'stream', '-c', 'fast');
      const standby = await serverOn(copy, ...settings);
      await standby.startIt('start');
      others.push(() => standby.control('stop', '-m', 'immediate'));
      return {
        url: standby.url,
        promote: async () => void (await standby.control('promote')),
        stop: async () => void (await standby.control('stop', '-m', 'fast')),
        start: async () => void (await standby.startIt('start')),
      };
    },
    stepClock: (seconds) => writeFile(clock, `${seconds < 0 ? '' : '+'}${seconds}`),
    close: async () => {
      for (const stop of [crash, ...others]) await stop().catch(() => {});
      await remove();
    },
  };
  await cluster.start();
  return cluster;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
