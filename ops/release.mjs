// Makes a release from a clean checkout, or the artefacts of one that is checked out: `npm run release -- 1.2.0 --sign <ssh key> [--tag-only]`.
// docs/releasing.md describes it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { provenance } from './provenance.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (command, args) => execFileSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
const read = (path) => readFileSync(join(root, path), 'utf8');
const write = (path, text) => writeFileSync(join(root, path), text);

const KUSTOMIZATION = 'ops/kubernetes/kustomization.yaml';

class ReleaseError extends Error {}

function main() {
  const { version, key, isTagOnly } = argumentsOf();
  if (run('git', ['status', '--porcelain']).trim()) throw new ReleaseError('The checkout has changes. Commit them first.');
  const tags = run('git', ['tag', '--list', 'v*']).split('\n');
  if (!tags.includes(`v${version}`)) makeTag(version, key, tags);
  else if (isTagOnly) throw new ReleaseError(`There is a release ${version} already.`);
  else if (commitOf(`v${version}`) !== commitOf('HEAD'))
    throw new ReleaseError(`There is a release ${version} already. To make its artefacts, check it out: git checkout v${version}`);
  else if (key) requireSigned(`v${version}`, key);
  if (isTagOnly) return;
  try {
    console.log(
      artefacts(version, key)
        .map((path) => `  ${path}`)
        .join('\n'),
    );
  } catch (error) {
    throw new ReleaseError(
      `${firstLine(error)}\nThe artefacts of ${version} are not made; its tag stays. Repeat the command to make them.`,
    );
  }
}

const commitOf = (name) => run('git', ['rev-parse', `${name}^{commit}`]).trim();
/** The first line: what a command itself says is on stderr already. */
const firstLine = ({ message }) => message.split('\n')[0];

/** @throws ReleaseError if another key has signed the tag, or none: its artefacts would say that they come from it */
function requireSigned(tag, key) {
  const directory = mkdtempSync(join(tmpdir(), 'release-signers-'));
  try {
    const file = [key, `${key}.pub`].find((path) => path.endsWith('.pub') && existsSync(path));
    const signers = join(directory, 'allowed_signers');
    writeFileSync(signers, `* ${file ? readFileSync(file, 'utf8') : run('ssh-keygen', ['-y', '-f', key])}`);
    run('git', ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${signers}`, 'verify-tag', tag]);
  } catch (error) {
    throw new ReleaseError(`${firstLine(error)}\nThe tag ${tag} is not signed by ${key}. Nothing is made.`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Commits the files of a version, and tags it. If any step fails, the checkout is as before. */
function makeTag(version, key, tags) {
  const before = JSON.parse(read('package.json')).version;
  // Until the first release, package.json has the version that it will have.
  if (tags.some(Boolean) ? !isLater(version, before) : isLater(before, version)) {
    throw new ReleaseError(`${version} does not come after ${before}.`);
  }
  const changelog = withSection(read('CHANGELOG.md'), version);
  const kustomization = withTag(read(KUSTOMIZATION), version);
  const commit = commitOf('HEAD');
  const tag = `v${version}`;
  try {
    write('CHANGELOG.md', changelog);
    write(KUSTOMIZATION, kustomization);
    for (const path of ['package.json', 'package-lock.json']) write(path, withVersion(read(path), before, version));
    // What the next version's schema is compared with (docs/versions.md).
    copyFileSync(join(root, 'schema/schema.graphql'), join(root, 'schema/released.graphql'));
    run('git', ['add', 'CHANGELOG.md', KUSTOMIZATION, 'package.json', 'package-lock.json', 'schema/released.graphql']);
    run('git', ['commit', '--quiet', '-m', `Release ${version}`]);
    const signing = key ? ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`, 'tag', '--sign'] : ['tag', '--annotate', '--no-sign'];
    run('git', [...signing, '-m', `Version ${version}`, tag]);
    // git 2.39 succeeds, and does not sign, if ssh-keygen cannot read the key.
    if (key && !run('git', ['cat-file', 'tag', tag]).includes('-----BEGIN SSH SIGNATURE-----'))
      throw new ReleaseError(`git did not sign the tag. Is ${key} an SSH key?`);
  } catch (error) {
    if (run('git', ['tag', '--list', tag]).trim()) run('git', ['tag', '--delete', tag]);
    // It had no changes.
    run('git', ['reset', '--quiet', '--hard', commit]);
    throw new ReleaseError(`${firstLine(error)}\nNothing is released: the checkout is as before.`);
  }
  console.log(`Release ${version} is committed and tagged${key ? '' : ', WITHOUT A SIGNATURE'}. Push both: git push origin HEAD ${tag}`);
}

function argumentsOf() {
  const usage = new ReleaseError('npm run release -- 1.2.0 --sign <ssh key> [--tag-only]');
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: { sign: { type: 'string' }, unsigned: { type: 'boolean' }, 'tag-only': { type: 'boolean' } },
    });
  } catch (error) {
    // Its messages say what is wrong with the arguments.
    throw new ReleaseError(`${firstLine(error)}\n${usage.message}`);
  }
  const { values, positionals } = parsed;
  const [version, ...more] = positionals;
  if (!/^\d+\.\d+\.\d+$/.test(version ?? '') || more.length > 0) throw usage;
  if (values.sign === '') throw new ReleaseError(`--sign needs the path of an SSH key.\n${usage.message}`);
  if ((values.sign === undefined) === !values.unsigned)
    throw new ReleaseError(`A release is signed: give --sign <ssh key>, or --unsigned if nobody needs to verify it.\n${usage.message}`);
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

/** The image's tag in the manifests. */
function withTag(kustomization, version) {
  const line = /^( *newTag: ).*$/m;
  if (!line.test(kustomization)) throw new ReleaseError(`${KUSTOMIZATION} has no newTag.`);
  return kustomization.replace(line, `$1${version}`);
}

/** Makes the artefacts of a version in release/, all or none. */
function artefacts(version, key) {
  const [made, directory] = [join(root, 'release', version), join(root, 'release', `.${version}`)];
  try {
    rmSync(directory, { recursive: true, force: true });
    const files = artefactsIn(directory, version, key);
    rmSync(made, { recursive: true, force: true });
    renameSync(directory, made);
    if (!key) console.log('These artefacts are NOT SIGNED: nobody can verify where they come from.');
    return files.map((file) => join('release', version, file));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes the runnable gateway, its bill of materials, where it comes from, and the digests of these into a directory. @returns the files' names */
function artefactsIn(directory, version, key) {
  const startedOn = new Date().toISOString();
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
  const statement = provenance(subjects, JSON.parse(read('package.json')), {
    version,
    commit: commitOf('HEAD'),
    lock: sha256(join(root, 'package-lock.json')),
    startedOn,
    finishedOn: new Date().toISOString(),
    tools: { node: process.version, npm: run('npm', ['--version']).trim() },
  });
  writeFileSync(join(directory, `${name}.provenance.json`), `${JSON.stringify(statement, null, 2)}\n`);
  const files = [...subjects.map((subject) => subject.name), `${name}.provenance.json`];
  const sums = join(directory, 'SHA256SUMS');
  writeFileSync(sums, files.map((file) => `${sha256(join(directory, file))}  ${file}\n`).join(''));
  if (key) run('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', 'teams-sms-gateway', sums]);
  return [...files, 'SHA256SUMS', ...(key ? ['SHA256SUMS.sig'] : [])];
}

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

try {
  main();
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
