import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';

const execute = promisify(execFile);
const IDENTITY = { GIT_AUTHOR_NAME: 'n', GIT_AUTHOR_EMAIL: 'e', GIT_COMMITTER_NAME: 'n', GIT_COMMITTER_EMAIL: 'e' };
let directory: string;
const inClone = async (command: string, ...args: string[]) =>
  (await execute(command, args, { cwd: join(directory, 'clone'), env: { ...process.env, ...IDENTITY } })).stdout;
const release = (...args: string[]) =>
  inClone(process.execPath, 'ops/release.mjs', ...args).catch(({ stderr }) => Promise.reject(new Error(stderr)));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'release-'));
  await execute('git', ['clone', '--quiet', '--no-tags', packageRoot(), join(directory, 'clone')]);
  await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'release@example.com', '-f', join(directory, 'key')]);
  await writeFile(join(directory, 'allowed_signers'), `release@example.com ${await readFile(join(directory, 'key.pub'), 'utf8')}`);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('a release has its version, its section of the changelog, the schema that is compared with, and a tag whose signature holds', async () => {
  await release('0.1.0', '--tag-only', '--sign', join(directory, 'key'));
  const file = (path: string) => readFile(join(directory, 'clone', path), 'utf8');
  expect(await file('CHANGELOG.md')).toMatch(/^## Unreleased\n\n## 0\.1\.0 - \d{4}-\d\d-\d\d\n\n### Added$/m);
  expect(await file('schema/released.graphql')).toBe(await file('schema/schema.graphql'));
  expect(await inClone('git', 'status', '--porcelain')).toBe('');
  const signers = `gpg.ssh.allowedSignersFile=${join(directory, 'allowed_signers')}`;
  await inClone('git', '-c', signers, 'verify-tag', 'v0.1.0');
});

test('what is no next version, has no changes to tell, or a checkout with changes is refused', async () => {
  await expect(release('0.1.0')).rejects.toThrow('There is a release 0.1.0 already.');
  await expect(release('0.0.9')).rejects.toThrow('0.0.9 does not come after 0.1.0.');
  await expect(release('1.0')).rejects.toThrow('npm run release -- 1.2.0');
  await expect(release('0.2.0')).rejects.toThrow('CHANGELOG.md has nothing under "Unreleased".');
  const changelog = join(directory, 'clone', 'CHANGELOG.md');
  await writeFile(changelog, (await readFile(changelog, 'utf8')).replace('## Unreleased\n', '## Unreleased\n\n- More.\n'));
  await expect(release('0.2.0')).rejects.toThrow('The checkout has changes. Commit them first.');
  await inClone('git', 'commit', '--quiet', '--all', '-m', 'More');
  await release('0.2.0', '--tag-only');
  expect(JSON.parse(await readFile(join(directory, 'clone', 'package.json'), 'utf8')).version).toBe('0.2.0');
  const { version, packages } = JSON.parse(await readFile(join(directory, 'clone', 'package-lock.json'), 'utf8'));
  expect([version, packages[''].version]).toEqual(['0.2.0', '0.2.0']);
});
