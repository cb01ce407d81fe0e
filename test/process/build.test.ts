import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';

const execute = promisify(execFile);
const SOURCES = ['src', 'schema', 'prisma/schema.prisma', 'prisma/migrations', 'package.json', 'package-lock.json'];
const SCRIPTS = ['esbuild.config.mjs', 'console.config.mjs', 'console.imports.mjs'];

// A copy: other tests start the gateway from this directory.
let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'gateway-build-'));
  for (const name of [...SOURCES, ...SCRIPTS]) await cp(join(packageRoot(), name), join(copy, name), { recursive: true });
  await symlink(join(packageRoot(), 'node_modules'), join(copy, 'node_modules'));
  await mkdir(join(copy, 'dist'));
  await writeFile(join(copy, 'dist', '.built'), '');
});
afterAll(() => rm(copy, { recursive: true, force: true }));

test('a start builds nothing if no source has changed since the build', async () => {
  await execute('npm', ['run', '--silent', 'prestart'], { cwd: copy });
  expect(await readdir(join(copy, 'dist'))).toEqual(['.built']);
});

test.each(['src/console/words/en.ts', 'src/main.ts', 'console.config.mjs', 'schema/schema.graphql'])(
  'a start builds again if %s has changed since',
  async (name) => {
    const check = () => execute('node', ['esbuild.config.mjs', '--check'], { cwd: copy });
    await check();
    const before = new Date(Date.now() - 60_000);
    const later = new Date(Date.now() + 60_000);
    await utimes(join(copy, name), later, later);
    await expect(check()).rejects.toMatchObject({ code: 1 });
    await utimes(join(copy, name), before, before);
  },
);
