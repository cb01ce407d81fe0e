import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

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

/** The lock file's name with its generation, which only ever grows. */
const LOCK_FILE = /^gateway\.lock\.(\d+)$/;
const lockFile = (directory: string, generation: number) => join(directory, `gateway.lock.${generation}`);
/** macOS takes 104 bytes and Linux 108, the final NUL included. */
const LONGEST_SOCKET_PATH = 103;

/**
 * Takes `directory` for this process. Alive is who still listens on the socket that the lock file names: the kernel closes
 * it with its process, so neither a kill -9 nor a reused process id (1, in every container) deceives.
 *
 * A dead holder's lock is not removed and remade, since of two that do so one may remove the other's. It is succeeded by
 * the next generation, which only one can make. The newest file therefore stays when its holder is gone.
 * @throws DirectoryInUseError naming the holder's process id
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

/** One attempt to make the newest generation out of `draft`. False where somebody else was quicker. */
async function succeed(directory: string, draft: string): Promise<boolean> {
  const newest = Math.max(0, ...(await generations(directory)));
  await refuseLiving(directory, newest);
  try {
    // A link appears with its content, and only where nothing was.
    await link(draft, lockFile(directory, newest + 1));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  const found = await generations(directory);
  // What was seen above may be long past: a successor came, cleaned up, and made room for this name again.
  if (Math.max(...found) > newest + 1) {
    await rm(lockFile(directory, newest + 1), { force: true });
    return false;
  }
  for (const generation of found) if (generation <= newest) await removeDead(directory, generation);
  return true;
}

async function generations(directory: string): Promise<number[]> {
  return (await readdir(directory)).map((name) => Number(LOCK_FILE.exec(name)?.[1] ?? 0)).filter((generation) => generation > 0);
}

async function refuseLiving(directory: string, generation: number): Promise<void> {
  const holder = await readHolder(directory, generation);
  if (holder && (await listening(resolve(directory, holder.socket)))) {
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

interface OwnSocket {
  readonly server: Server;
  readonly path: string;
  /** Whether its directory was made for it. */
  readonly temporary: boolean;
}

async function listen(directory: string): Promise<OwnSocket> {
  const name = `lock-${randomBytes(4).toString('hex')}.sock`;
  const inside = join(directory, name);
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) {
    try {
      return { server: await listenOn(inside), path: inside, temporary: false };
    } catch (error) {
      // Some mounted volumes have no sockets.
      if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL', 'ENOSYS')) throw error;
    }
  }
  const base = Buffer.byteLength(join(tmpdir(), 'gateway-xxxxxx', name)) <= LONGEST_SOCKET_PATH ? tmpdir() : '/tmp';
  const elsewhere = join(await mkdtemp(join(base, 'gateway-')), name);
  return { server: await listenOn(elsewhere), path: elsewhere, temporary: true };
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
