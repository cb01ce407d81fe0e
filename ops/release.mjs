// Makes a release from a clean checkout: `npm run release -- 1.2.0 [--sign <ssh key>] [--tag-only]`. docs/releasing.md describes it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (command, args) => execFileSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
const read = (path) => readFileSync(join(root, path), 'utf8');
const write = (path, text) => writeFileSync(join(root, path), text);

class ReleaseError extends Error {}

function main() {
  const { version, key, isTagOnly } = argumentsOf();
  const before = JSON.parse(read('package.json')).version;
  const tags = run('git', ['tag', '--list', 'v*']).split('\n');
  if (run('git', ['status', '--porcelain']).trim()) throw new ReleaseError('The checkout has changes. Commit them first.');
  if (tags.includes(`v${version}`)) throw new ReleaseError(`There is a release ${version} already.`);
  // Until the first release, package.json has the version that it will have.
  if (tags.some(Boolean) ? !isLater(version, before) : isLater(before, version)) {
    throw new ReleaseError(`${version} does not come after ${before}.`);
  }
  write('CHANGELOG.md', withSection(read('CHANGELOG.md'), version));
  for (const path of ['package.json', 'package-lock.json']) write(path, withVersion(read(path), before, version));
  // What the next version's schema is compared with (docs/versions.md).
  copyFileSync(join(root, 'schema/schema.graphql'), join(root, 'schema/released.graphql'));
  run('git', ['add', 'CHANGELOG.md', 'package.json', 'package-lock.json', 'schema/released.graphql']);
  run('git', ['commit', '--quiet', '-m', `Release ${version}`]);
  const signing = key ? ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`, 'tag', '--sign'] : ['tag', '--annotate'];
  run('git', [...signing, '-m', `Version ${version}`, `v${version}`]);
  const made = isTagOnly ? [] : artefacts(version, key);
  console.log(
    `Release ${version} is committed and tagged. Push both: git push origin HEAD v${version}\n${made.map((path) => `  ${path}`).join('\n')}`,
  );
}

function argumentsOf() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sign: { type: 'string' }, 'tag-only': { type: 'boolean' } },
  });
  const [version, ...more] = positionals;
  if (!/^\d+\.\d+\.\d+$/.test(version ?? '') || more.length > 0)
    throw new ReleaseError('npm run release -- 1.2.0 [--sign <ssh key>] [--tag-only]');
  return { version, key: values.sign, isTagOnly: values['tag-only'] };
}

function isLater(one, other) {
  const [a, b] = [one, other].map((text) => text.split('.').map(Number));
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && a[at] > b[at];
}

/** Gives what is unreleased a section of its own, with today's date. */
function withSection(changelog, version) {
  const [, unreleased = ''] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];
  if (!unreleased.trim()) throw new ReleaseError('CHANGELOG.md has nothing under "Unreleased".');
  const today = new Date().toISOString().slice(0, 10);
  return changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${today}\n`);
}

/** The package's own version stands before those of others, once in package.json and twice in the lock file. */
function withVersion(text, before, version) {
  let left = text.includes('"lockfileVersion"') ? 2 : 1;
  return text.replaceAll(`"version": "${before}"`, (found) => (left-- > 0 ? `"version": "${version}"` : found));
}

/** Writes the runnable gateway, its bill of materials, where it comes from, and the digests of these into release/. */
function artefacts(version, key) {
  const directory = join(root, 'release', version);
  rmSync(directory, { recursive: true, force: true });
  const name = `teams-sms-gateway-${version}`;
  mkdirSync(directory, { recursive: true });
  run('npm', ['run', '--silent', 'build']);
  run(process.execPath, ['ops/image/runtime.mjs', join(directory, name)]);
  // The same files give the same archive.
  const time = run('git', ['show', '--no-patch', '--format=%ct', 'HEAD']).trim();
  run('tar', [
    ...['--sort=name', `--mtime=@${time}`, '--owner=0', '--group=0', '--numeric-owner'],
    ...['--use-compress-program=gzip -n', '-cf', join(directory, `${name}.tar.gz`), '-C', directory, name],
  ]);
  rmSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, `${name}.cdx.json`), run('npm', ['run', '--silent', 'sbom']));
  const subjects = [`${name}.tar.gz`, `${name}.cdx.json`].map((file) => ({
    name: file,
    digest: { sha256: sha256(join(directory, file)) },
  }));
  writeFileSync(join(directory, `${name}.provenance.json`), `${JSON.stringify(provenance(version, subjects), null, 2)}\n`);
  const files = [...subjects.map((subject) => subject.name), `${name}.provenance.json`];
  const sums = join(directory, 'SHA256SUMS');
  writeFileSync(sums, files.map((file) => `${sha256(join(directory, file))}  ${file}\n`).join(''));
  if (key) run('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', 'teams-sms-gateway', sums]);
  return [...files, 'SHA256SUMS', ...(key ? ['SHA256SUMS.sig'] : [])].map((file) => join('release', version, file));
}

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** An in-toto statement with SLSA's predicate (slsa.dev/spec/v1.0/provenance): which commit, by which tools. */
function provenance(version, subject) {
  const commit = run('git', ['rev-parse', 'HEAD']).trim();
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'npm run release',
        externalParameters: { version },
        resolvedDependencies: [
          { name: 'source', digest: { gitCommit: commit } },
          { name: 'package-lock.json', digest: { sha256: sha256(join(root, 'package-lock.json')) } },
        ],
      },
      runDetails: {
        builder: { id: 'ops/release.mjs', version: { node: process.version, npm: run('npm', ['--version']).trim() } },
        metadata: { finishedOn: new Date().toISOString() },
      },
    },
  };
}

try {
  main();
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
