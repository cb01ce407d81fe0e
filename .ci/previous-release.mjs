// The release before, for the test of an upgrade (test/process/upgrade.test.ts): the newest version's tag that an ancestor of HEAD has, or UPGRADE_FROM,
// which may be any commit. Without an argument, prints its name, or nothing where there is none: before the first release, in a shallow clone, or without
// git. `node .ci/previous-release.mjs <directory>` puts its files into the directory, installs what it has locked, and builds it.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [target] = process.argv.slice(2);

function previous() {
  if (process.env.UPGRADE_FROM) return process.env.UPGRADE_FROM;
  // Not HEAD's own tag: a release is upgraded to from the one before.
  const { status, stdout } = spawnSync('git', ['describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^'], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : '';
}

function build(name, directory) {
  mkdirSync(directory, { recursive: true });
  // What is bound to a work tree, such as its index, would stay behind if this was interrupted: so an archive.
  const archive = execFileSync('git', ['archive', '--format=tar', name], { cwd: root, maxBuffer: 256 * 1024 * 1024 });
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  const run = (...args) => execFileSync('npm', args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
  // Its own version is in the lock, too.
  const packagesIn = (place) => {
    const { packages } = JSON.parse(readFileSync(join(place, 'package-lock.json'), 'utf8'));
    return JSON.stringify({ ...packages, '': { ...packages[''], version: undefined } });
  };
  const installed = join(root, 'node_modules');
  if (packagesIn(directory) === packagesIn(root) && existsSync(installed)) symlinkSync(installed, join(directory, 'node_modules'));
  else run('ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
  run('run', '--silent', 'build');
}

const name = previous();
if (target === undefined) console.log(name);
else if (name) build(name, resolve(target));
