import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readMigrations } from '../migrations.ts';
import { MIGRATIONS, packageRoot } from '../package-root.ts';

/**
 * Returns the path of the build's snapshot, an empty, migrated embedded database: copying it takes a tenth of a second, creating one takes four. The name
 * contains a hash of PGlite's version and the migrations, so that a stale snapshot is not found.
 */
export async function snapshotPath(): Promise<string> {
  const pglite = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const key = createHash('sha256').update(JSON.parse(await readFile(join(dirname(pglite), '..', 'package.json'), 'utf8')).version);
  for (const { name, checksum } of await readMigrations(MIGRATIONS)) key.update(`\n${name} ${checksum}`);
  return join(packageRoot(), 'dist', `snapshot-${key.digest('hex').slice(0, 16)}`);
}

/** Returns the path of the snapshot of these sources, or `undefined` if the build has not created it. */
export async function findSnapshot(): Promise<string | undefined> {
  const path = await snapshotPath();
  return existsSync(path) ? path : undefined;
}
