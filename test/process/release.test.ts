import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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

test('a release that cannot be signed, or with arguments that say nothing, leaves the checkout as it was', async () => {
  const state = () => Promise.all([inClone('git', 'rev-parse', 'HEAD'), inClone('git', 'tag'), inClone('git', 'status', '--porcelain')]);
  const before = await state();
  const unsigned = release('0.1.0', '--tag-only', '--sign', join(directory, 'no-key'));
  await expect(unsigned).rejects.toThrow(/Nothing is released: the checkout is as before\.\n$/);
  await writeFile(join(directory, 'no-ssh-key'), 'not a key\n');
  await expect(release('0.1.0', '--tag-only', '--sign', join(directory, 'no-ssh-key'))).rejects.toThrow('Nothing is released');
  for (const args of [[], ['--sign'], ['--sign='], ['--sign', '--tag-only'], ['--sign', 'key', '--unsigned'], ['--other']]) {
    const refused = await release('0.1.0', ...args).catch(({ message }) => message);
    expect(refused).toContain('npm run release -- 1.2.0 --sign <ssh key> [--tag-only]');
    expect(refused).not.toMatch(/^\s+at /m);
  }
  expect(await state()).toEqual(before);
});

test('a release has its version, its section of the changelog, the schema that is compared with, and a tag whose signature holds', async () => {
  await release('0.1.0', '--tag-only', '--sign', join(directory, 'key'));
  const file = (path: string) => readFile(join(directory, 'clone', path), 'utf8');
  expect(await file('CHANGELOG.md')).toMatch(/^## Unreleased\n\n## 0\.1\.0 - \d{4}-\d\d-\d\d\n\n### Added$/m);
  expect(await file('schema/released.graphql')).toBe(await file('schema/schema.graphql'));
  expect(await file('ops/kubernetes/kustomization.yaml')).toMatch(/^ {4}newTag: 0\.1\.0$/m);
  expect(await inClone('git', 'status', '--porcelain')).toBe('');
  const signers = `gpg.ssh.allowedSignersFile=${join(directory, 'allowed_signers')}`;
  await inClone('git', '-c', signers, 'verify-tag', 'v0.1.0');
});

// It builds the gateway, which does not depend on the database of the tests.
test.skipIf(process.env.TEST_DATABASE_URL)(
  'the artefacts of a tag that is checked out can be made, also after a build that failed',
  { timeout: 600_000 },
  async () => {
    const notMade = release('0.1.0', '--sign', join(directory, 'key'));
    await expect(notMade).rejects.toThrow('The artefacts of 0.1.0 are not made; its tag stays. Repeat the command to make them.');
    expect(await readdir(join(directory, 'clone', 'release'))).toEqual([]);
    await appendFile(join(directory, 'clone', '.git', 'info', 'exclude'), 'node_modules\n');
    const [from, to] = [join(packageRoot(), 'node_modules', '.'), join(directory, 'clone', 'node_modules')];
    // Links, unless temporary files are on another file system. npm does not list packages behind a symbolic link.
    await execute('sh', ['-c', 'cp -al "$0/." "$1" 2>/dev/null || cp -a "$0/." "$1"', from, to]);
    await release('0.1.0', '--sign', join(directory, 'key'));

    const made = join(directory, 'clone', 'release', '0.1.0');
    const name = 'teams-sms-gateway-0.1.0';
    await execute('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: made });
    const signature = `ssh-keygen -Y verify -f ../../../allowed_signers -I release@example.com -n teams-sms-gateway -s SHA256SUMS.sig < SHA256SUMS`;
    await execute('sh', ['-c', signature], { cwd: made });
    const { stdout } = await execute('tar', ['-tzf', join(made, `${name}.tar.gz`)], { maxBuffer: 64 * 1024 * 1024 });
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining(['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'dist/main.js'].map((file) => `${name}/${file}`)),
    );
    const json = async (kind: string) => JSON.parse(await readFile(join(made, `${name}.${kind}.json`), 'utf8'));
    expect((await json('cdx')).metadata.component).toMatchObject({ name: 'teams-sms-gateway', version: '0.1.0' });
    expect(await json('provenance')).toMatchObject({
      subject: [{ name: `${name}.tar.gz` }, { name: `${name}.cdx.json` }],
      predicate: {
        buildDefinition: {
          resolvedDependencies: [{ digest: { gitCommit: (await inClone('git', 'rev-parse', 'v0.1.0^{commit}')).trim() } }, {}],
        },
      },
    });
  },
);

test('what is no next version, has no changes to tell, or a checkout with changes is refused', async () => {
  const unsigned = (version: string, ...args: string[]) => release(version, '--unsigned', ...args);
  await expect(unsigned('0.1.0', '--tag-only')).rejects.toThrow('There is a release 0.1.0 already.');
  await expect(unsigned('0.0.9')).rejects.toThrow('0.0.9 does not come after 0.1.0.');
  await expect(unsigned('1.0')).rejects.toThrow('npm run release -- 1.2.0');
  await expect(unsigned('0.2.0')).rejects.toThrow('CHANGELOG.md has nothing under "Unreleased".');
  const changelog = join(directory, 'clone', 'CHANGELOG.md');
  await writeFile(changelog, (await readFile(changelog, 'utf8')).replace('## Unreleased\n', '## Unreleased\n\n- More.\n'));
  await expect(unsigned('0.2.0')).rejects.toThrow('The checkout has changes. Commit them first.');
  await inClone('git', 'commit', '--quiet', '--all', '-m', 'More');
  await expect(unsigned('0.1.0')).rejects.toThrow(
    'There is a release 0.1.0 already. To make its artefacts, check it out: git checkout v0.1.0',
  );
  expect(await unsigned('0.2.0', '--tag-only')).toContain('Release 0.2.0 is committed and tagged, WITHOUT A SIGNATURE.');
  await expect(release('0.2.0', '--sign', join(directory, 'key'))).rejects.toThrow(
    /The tag v0\.2\.0 is not signed by .* Nothing is made\./,
  );
  expect(await readFile(join(directory, 'clone', 'ops/kubernetes/kustomization.yaml'), 'utf8')).toMatch(/^ {4}newTag: 0\.2\.0$/m);
  expect(JSON.parse(await readFile(join(directory, 'clone', 'package.json'), 'utf8')).version).toBe('0.2.0');
  const { version, packages } = JSON.parse(await readFile(join(directory, 'clone', 'package-lock.json'), 'utf8'));
  expect([version, packages[''].version]).toEqual(['0.2.0', '0.2.0']);
});
