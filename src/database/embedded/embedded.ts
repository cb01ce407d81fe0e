import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import pg from 'pg';
import { makeDataDirectory } from './data-directory.ts';
import { lockDirectory } from './directory-lock.ts';
import { findSnapshot } from './snapshot.ts';

export interface EmbeddedDatabase {
  /** The one connection. More would mix their statements, so everybody shares this pool and nobody makes another. */
  readonly pool: pg.Pool;
  /** The same: there is one connection. */
  readonly quick: pg.Pool;
  close(): Promise<void>;
}

const DATABASE = 'database';
/** pg builds a unix socket's name from it; nothing listens on a port. */
const PORT = 5432;
/** Its default, 128MB, is zeroed at every start: 350 ms and 120 MB more. The operating system caches the files anyway. */
const SHARED_BUFFERS = '16MB';

/**
 * The embedded PostgreSQL in `dataDir`, which is made where it is missing and belongs to this process until it is closed.
 * @throws DataDirectoryError; DirectoryInUseError where another gateway has it
 */
export async function openEmbedded(dataDir: string): Promise<EmbeddedDatabase> {
  const directory = resolve(dataDir);
  await makeDataDirectory(directory);
  const lock = await lockDirectory(directory);
  try {
    const database = join(directory, DATABASE);
    if (!existsSync(database)) await prepare(directory, database);
    const served = await serve(database, lock.socketDirectory);
    return {
      pool: served.pool,
      quick: served.pool,
      close: async () => {
        await served.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Whether `dataDir` has a database already. */
export function hasEmbedded(dataDir: string): boolean {
  return existsSync(join(dataDir, DATABASE));
}

/** Runs the database in `directory`, made there where missing, behind a unix socket in `socketDirectory`. Locks nothing. */
export async function serve(directory: string, socketDirectory: string): Promise<EmbeddedDatabase> {
  const database = await open(directory);
  const socket = join(socketDirectory, `.s.PGSQL.${PORT}`);
  await rm(socket, { force: true });
  // A connection that breaks is replaced before its handler is gone, hence room for more than one.
  const server = new PGLiteSocketServer({ db: database, path: socket, maxConnections: 4 });
  await server.start();
  const pool = new pg.Pool({ host: socketDirectory, port: PORT, user: 'postgres', database: 'postgres', max: 1, idleTimeoutMillis: 0 });
  return {
    pool,
    quick: pool,
    close: async () => {
      await pool.end();
      await server.stop();
      await database.close();
    },
  };
}

/** A first boot that is interrupted ruins its directory, so the database comes into being elsewhere and moves in complete. */
async function prepare(directory: string, database: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    if (entry.startsWith(`${DATABASE}.new-`)) await rm(join(directory, entry), { recursive: true, force: true });
  }
  const draft = `${database}.new-${process.pid}`;
  const snapshot = await findSnapshot();
  if (snapshot) {
    await copyDirectory(snapshot, draft);
  } else {
    await (await open(draft)).close();
  }
  await rename(draft, database);
}

/** Its files all at once, where fs.cp takes one after the other, and looks at each three times: half as long. Files and directories only. */
async function copyDirectory(from: string, to: string): Promise<void> {
  await mkdir(to);
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(
    entries.map((entry) => {
      const [source, copy] = [join(from, entry.name), join(to, entry.name)];
      return entry.isDirectory() ? copyDirectory(source, copy) : copyFile(source, copy, constants.COPYFILE_FICLONE);
    }),
  );
}

async function open(directory: string): Promise<PGlite> {
  // While WebAssembly compiles, nothing else keeps the event loop turning, and where that ends node waits for all that V8's threads do, optimizing code
  // for later included: a tenth of a second.
  const turning = setInterval(() => {}, 1000);
  try {
    return await PGlite.create({
      dataDir: directory,
      extensions: { pg_trgm },
      startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
    });
  } catch (error) {
    throw new Error(`The embedded database in ${directory} can't be opened: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    clearInterval(turning);
  }
}
