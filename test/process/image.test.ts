import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';

test('every user can read the files of the image, such as the snapshot that a new embedded database is copied from', async () => {
  const target = await mkdtemp(join(tmpdir(), 'gateway-image-'));
  execFileSync(process.execPath, [join(packageRoot(), 'ops/image/runtime.mjs'), target]);
  const entries = readdirSync(target, { recursive: true, withFileTypes: true });
  expect(entries.some(({ name }) => name === 'PG_VERSION')).toBe(true);
  const closed = entries.filter((entry) => {
    const { mode } = statSync(join(entry.parentPath, entry.name));
    const needed = entry.isDirectory() ? 0o005 : 0o004;
    return (mode & needed) !== needed;
  });
  expect(closed.map(({ name }) => name)).toEqual([]);
  await rm(target, { recursive: true });
});
