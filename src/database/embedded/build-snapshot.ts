import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { migrate } from '../migrations.ts';
import { MIGRATIONS } from '../package-root.ts';
import { serve } from './embedded.ts';
import { snapshotPath } from './snapshot.ts';

/**
 * Builds the snapshot of an empty, migrated embedded database, unless it exists, and removes older ones.
 * @returns its path
 */
export async function buildSnapshot(): Promise<string> {
  const path = await snapshotPath();
  if (existsSync(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.new-${process.pid}`;
  const socketDirectory = await mkdtemp(join(tmpdir(), 'gateway-'));
  try {
    const { pool, close } = await serve(draft, socketDirectory);
    await migrate(pool, MIGRATIONS);
    // No database is ever created in it, and without the templates a first start copies 500 files instead of 1,100.
    await pool.query('UPDATE pg_database SET datistemplate = false');
    for (const template of ['template0', 'template1']) await pool.query(`DROP DATABASE ${template}`);
    await pool.query('CHECKPOINT');
    await close();
    for (const entry of await readdir(dirname(path))) {
      if (/^snapshot-[0-9a-f]{16}$/.test(entry) && entry !== basename(path))
        await rm(join(dirname(path), entry), { recursive: true, force: true });
    }
    await rename(draft, path);
  } finally {
    await rm(socketDirectory, { recursive: true, force: true });
    await rm(draft, { recursive: true, force: true });
  }
  return path;
}
