import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { btree_gin } from '@electric-sql/pglite/contrib/btree_gin';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import pg from 'pg';
import { renewPlans } from '../renew-plans.ts';
import { makeDataDirectory } from './data-directory.ts';
import { lockDirectory } from './directory-lock.ts';
import { findSnapshot } from './snapshot.ts';

export interface EmbeddedDatabase {
  /** A pool of one connection, the only one that may be open: PGlite is one session, in which a second connection's statements would mix. */
  readonly pool: pg.Pool;
  /** The same pool, by all its names. */
  readonly batchPool: pg.Pool;
  readonly movingPool: pg.Pool;
  readonly moving: pg.Pool;
  readonly directPool: pg.Pool;
  /** Absent: a statement of PGlite's occupies this process's only thread until it ends, so that nothing can ask for its end meanwhile. */
  readonly cancelStatement?: undefined;
  close(): Promise<void>;
}

const DATABASE = 'database';
/** Part of the Unix socket's name; nothing listens on a port. */
const PORT = 5432;
/** The default, 128MB, is zeroed at every start, which takes 350 ms and 120 MB. The operating system caches the files anyway. */
const SHARED_BUFFERS = '16MB';
/** How long a plan is kept, in ms: one that was made while a table was nearly empty reads all of it. */
const PLAN_LIFETIME_MS = 10_000;

/**
 * Opens the embedded PostgreSQL in `dataDir`, which is created if it is missing, and locked by this process until the database is closed.
 * @throws DataDirectoryError; DirectoryInUseError if another gateway has locked it
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
      ...served,
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

/** Whether `dataDir` contains a database. */
export function hasEmbedded(dataDir: string): boolean {
  return existsSync(join(dataDir, DATABASE));
}

/** Runs the database in `directory`, created if missing, behind a Unix socket in `socketDirectory`. Takes no lock. */
export async function serve(directory: string, socketDirectory: string): Promise<EmbeddedDatabase> {
  const database = await open(directory);
  const socket = join(socketDirectory, `.s.PGSQL.${PORT}`);
  await rm(socket, { force: true });
  // A broken connection is replaced before its handler has ended, so there must be room for more than one.
  const server = new PGLiteSocketServer({ db: database, path: socket, maxConnections: 4 });
  await server.start();
  const pool = new pg.Pool({
    ...{ host: socketDirectory, port: PORT, user: 'postgres', database: 'postgres', max: 1, idleTimeoutMillis: 0 },
    // The database's only session keeps what a connection before this one has prepared.
    onConnect: async (client) => void (await client.query('DEALLOCATE ALL')),
  });
  renewPlans(pool, PLAN_LIFETIME_MS, PLAN_LIFETIME_MS);
  return {
    ...{ pool, batchPool: pool, movingPool: pool, moving: pool, directPool: pool },
    close: async () => {
      await pool.end();
      await server.stop();
      await database.close();
    },
  };
}

/** Creates the database in a draft directory and renames it when complete, since an interrupted initdb leaves an unusable directory. */
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

/** Copies files and directories, in parallel: half the time of fs.cp, which copies one after another and stats each three times. */
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
  // Nothing else keeps the event loop alive while WebAssembly compiles. If the loop becomes empty, node waits for all of V8's background threads, which
  // also optimize code: a tenth of a second.
  const keepAlive = setInterval(() => {}, 1000);
  try {
    return await PGlite.create({
      dataDir: directory,
      extensions: { pg_trgm, btree_gin },
      startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
    });
  } catch (error) {
    throw new Error(`Cannot open the embedded database in ${directory}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    clearInterval(keepAlive);
  }
}
