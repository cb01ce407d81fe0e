import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { serve } from '../../src/database/embedded/embedded.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { createTestPlace } from './database.ts';

/** An empty database, and the migrations before one, so that rows can be stored as they were then. */
export interface EarlierDatabase {
  readonly pool: pg.Pool;
  /** The directory of the migrations before. */
  readonly earlier: string;
  close(): Promise<void>;
}

/** @param migration the name of the first migration that is not among those before */
export async function createEarlierDatabase(migration: string): Promise<EarlierDatabase> {
  const place = await createTestPlace('empty');
  const { databaseUrl, dataDir } = place.settings;
  const database = databaseUrl ? connect(databaseUrl) : await serve(join(dataDir, 'database'), dataDir);
  const earlier = await mkdtemp(join(tmpdir(), 'migrations-'));
  const names = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name) && name < migration);
  for (const name of names) await cp(join(MIGRATIONS, name), join(earlier, name), { recursive: true });
  return {
    pool: database.pool,
    earlier,
    close: async () => {
      await rm(earlier, { recursive: true });
      await database.close();
      await place.remove();
    },
  };
}

function connect(connectionString: string) {
  const pool = new pg.Pool({ connectionString });
  pool.on('error', () => {});
  return { pool, close: () => pool.end() };
}
