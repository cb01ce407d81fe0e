import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

/** Another gateway has locked the directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

export interface DirectoryLock {
  /** A directory for this process alone in which a Unix socket's path is short enough: the locked directory itself, or a temporary one. */
  readonly socketDirectory: string;
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** The socket that the holder listens on as long as it lives: a name in the directory, or an absolute path elsewhere. */
  readonly socket: string;
}

/** A lock file's name, which contains its generation. Generations only grow. */
const LOCK_FILE = /^gateway\.lock\.(\d+)$/;
const lockFile = (directory: string, generation: number) => join(directory, `gateway.lock.${generation}`);
/** In bytes: macOS allows 104 and Linux 108, including the final NUL. */
const MAX_SOCKET_PATH = 103;

/**
 * Locks `directory` for this process. A holder is alive as long as it listens on the socket that its lock file names. The kernel closes the socket with
 * the process, so neither a kill -9 nor a reused process id (1, in every container) misleads.
 *
 * A dead holder's lock is never replaced in place, since of two processes that do so, one might remove the other's. The next generation succeeds it, and
 * only one process can create that. So the newest lock file stays when its holder has exited.
 * @throws DirectoryInUseError with the holder's process id
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const own = await listen(directory);
  const draft = join(directory, `gateway.lock.new-${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(draft, JSON.stringify({ pid: process.pid, socket: own.temporary ? own.path : basename(own.path) } satisfies Holder));
    while (!(await succeed(directory, draft)));
  } catch (error) {
    await close(own);
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return { socketDirectory: dirname(own.path), release: () => close(own) };
}

/**
 * Tries once to make `draft` the newest generation.
 * @returns false if another process was faster
 * @throws DirectoryInUseError
 */
async function succeed(directory: string, draft: string): Promise<boolean> {
  const newest = Math.max(0, ...(await generations(directory)));
  await refuseIfAlive(directory, newest);
  try {
    // Linking is atomic: the file appears with its content, and only if the name is free.
    await link(draft, lockFile(directory, newest + 1));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  const existing = await generations(directory);
  // The generations above may be outdated: a successor may have come and removed the old ones, which freed this name again.
  if (Math.max(...existing) > newest + 1) {
    await rm(lockFile(directory, newest + 1), { force: true });
    return false;
  }
  for (const generation of existing) if (generation <= newest) await removeDead(directory, generation);
  return true;
}

async function generations(directory: string): Promise<number[]> {
  return (await readdir(directory)).map((name) => Number(LOCK_FILE.exec(name)?.[1] ?? 0)).filter((generation) => generation > 0);
}

async function refuseIfAlive(directory: string, generation: number): Promise<void> {
  const holder = await readHolder(directory, generation);
  if (holder && (await isListening(resolve(directory, holder.socket)))) {
    throw new DirectoryInUseError(
      `The data directory ${directory} is in use by the gateway with process id ${holder.pid}. Stop it, or set another DATA_DIR.`,
    );
  }
}

async function removeDead(directory: string, generation: number): Promise<void> {
  const holder = await readHolder(directory, generation);
  if (holder) await removeSocket(resolve(directory, holder.socket), isAbsolute(holder.socket));
  await rm(lockFile(directory, generation), { force: true });
}

async function readHolder(directory: string, generation: number): Promise<Holder | undefined> {
  try {
    return parseHolder(await readFile(lockFile(directory, generation), 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, socket } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' && typeof socket === 'string' && /^(\/.+\/gateway-[^/]+\/)?lock-[0-9a-f]{8}\.sock$/.test(socket)
      ? { pid, socket }
      : undefined;
  } catch {
    return undefined;
  }
}

async function isListening(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // Any other error, such as a full backlog, means that a process listens.
    return !hasCode(error, 'ECONNREFUSED', 'ENOENT');
  } finally {
    socket.destroy();
  }
}

interface OwnSocket {
  readonly server: Server;
  readonly path: string;
  /** Whether the directory was created for the socket. */
  readonly temporary: boolean;
}

async function listen(directory: string): Promise<OwnSocket> {
  const name = `lock-${randomBytes(4).toString('hex')}.sock`;
  const inside = join(directory, name);
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) {
    try {
      return { server: await listenOn(inside), path: inside, temporary: false };
    } catch (error) {
      // Some mounted volumes do not support sockets.
      if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL', 'ENOSYS')) throw error;
    }
  }
  const base = Buffer.byteLength(join(tmpdir(), 'gateway-xxxxxx', name)) <= MAX_SOCKET_PATH ? tmpdir() : '/tmp';
  const outside = join(await mkdtemp(join(base, 'gateway-')), name);
  return { server: await listenOn(outside), path: outside, temporary: true };
}

async function close({ server, path, temporary }: OwnSocket): Promise<void> {
  server.close();
  await removeSocket(path, temporary);
}

async function removeSocket(path: string, temporary: boolean): Promise<void> {
  await rm(temporary ? dirname(path) : path, { recursive: temporary, force: true });
}

async function listenOn(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  return server.unref();
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
