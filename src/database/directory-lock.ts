import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Another gateway has the directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

export interface DirectoryLock {
  /** Where a unix socket's path is short enough, and which nobody else uses: the directory itself, or a temporary one. */
  readonly socketDirectory: string;
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** A socket that the holder listens on for as long as it lives: a name in the directory, or an absolute path elsewhere. */
  readonly socket: string;
}

const LOCK_FILE = 'gateway.lock';
/** macOS takes 104 bytes and Linux 108, the final NUL included. */
const LONGEST_SOCKET_PATH = 103;

/**
 * Takes `directory` for this process. Alive is who still listens on the socket that the lock file names: the kernel closes
 * it with its process, so neither a kill -9 nor a reused process id (1, in every container) deceives.
 * @throws DirectoryInUseError naming the holder's process id
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, LOCK_FILE);
  const { server, socketPath, temporary } = await listen(directory);
  const held = JSON.stringify({
    pid: process.pid,
    socket: temporary ? socketPath : socketPath.slice(directory.length + 1),
  } satisfies Holder);
  const giveUp = async () => {
    server.close();
    await rm(temporary ? dirname(socketPath) : socketPath, { recursive: true, force: true });
  };
  try {
    // A link appears with its content, and only where nothing was.
    const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
    await writeFile(draft, held);
    try {
      while (!(await linked(draft, path))) await evictDead(directory, path);
    } finally {
      await unlink(draft);
    }
  } catch (error) {
    await giveUp();
    throw error;
  }
  return {
    socketDirectory: dirname(socketPath),
    release: async () => {
      if ((await readIfThere(path)) === held) await rm(path, { force: true });
      await giveUp();
    },
  };
}

/** Removes the lock of a holder that is gone. */
async function evictDead(directory: string, path: string): Promise<void> {
  const text = await readIfThere(path);
  if (text === undefined) return;
  const holder = parseHolder(text);
  const socket = holder && resolve(directory, holder.socket);
  if (socket && (await listening(socket))) {
    throw new DirectoryInUseError(
      `The data directory ${directory} is in use by the gateway with process id ${holder.pid}. Stop it, or set another DATA_DIR.`,
    );
  }
  // Moved aside before it is removed: had another gateway evicted it first, this would be that one's lock, and goes back.
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== text) await linked(aside, path);
  else if (socket) await rm(dirname(socket) === directory ? socket : dirname(socket), { recursive: true, force: true });
  await unlink(aside);
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, socket } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' && typeof socket === 'string' && /(^|\/)lock-[0-9a-f]{8}\.sock$/.test(socket)
      ? { pid, socket }
      : undefined;
  } catch {
    return undefined;
  }
}

async function listening(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // Anything else (no permission, a full backlog) means that somebody is there.
    return !hasCode(error, 'ECONNREFUSED', 'ENOENT');
  } finally {
    socket.destroy();
  }
}

async function listen(directory: string): Promise<{ server: Server; socketPath: string; temporary: boolean }> {
  const name = `lock-${randomBytes(4).toString('hex')}.sock`;
  const inside = join(directory, name);
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) {
    try {
      return { server: await listenOn(inside), socketPath: inside, temporary: false };
    } catch (error) {
      // Some mounted volumes have no sockets.
      if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL', 'ENOSYS')) throw error;
    }
  }
  const base = Buffer.byteLength(join(tmpdir(), 'gateway-xxxxxx', name)) <= LONGEST_SOCKET_PATH ? tmpdir() : '/tmp';
  const elsewhere = join(await mkdtemp(join(base, 'gateway-')), name);
  return { server: await listenOn(elsewhere), socketPath: elsewhere, temporary: true };
}

async function listenOn(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  return server.unref();
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
