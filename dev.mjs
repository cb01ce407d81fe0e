// `npm run dev`: runs the gateway and restarts it when a source is saved.
// The embedded database's directory belongs to one process at a time, so the old gateway exits before the new one starts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { context } from 'esbuild';
import { buildConsole } from './console.config.mjs';
import { BUNDLE } from './esbuild.config.mjs';

const WATCHED = ['src', 'schema', 'prisma'];
const IGNORED = /^prisma\/client|(^|\/)\.|~$/;
/** How long to wait for more changes, in ms: an editor saves in several steps, a checkout writes many files. */
const SETTLE = 50;

/** Not bundled: they would be two thirds of each build's output. */
const LARGE = ['@graphql-yoga/render-graphiql', '@prisma/client/*'];

const bundle = await context({ ...BUNDLE, external: [...BUNDLE.external, ...LARGE], entryPoints: ['src/main.ts'], outdir: 'dist/dev' });
let gateway;
let ending = false;
let watchers = [];
const changes = new Set();
let wake;

/** Watches directories, not files: many editors save by replacing the file, which ends a watch on it. */
function watchSources() {
  for (const watcher of watchers) watcher.close();
  const directories = WATCHED.flatMap((root) => [
    root,
    ...readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name)),
  ]).filter((directory) => !IGNORED.test(directory));
  watchers = directories.map((directory) =>
    watch(directory, (_event, name) => {
      const path = join(directory, name ?? '');
      if (IGNORED.test(path)) return;
      changes.add(path);
      wake?.();
    }),
  );
}

/**
 * Waits for a change.
 * @returns the paths that changed
 */
async function nextChanges() {
  if (changes.size === 0) {
    await new Promise((resolve) => {
      wake = resolve;
    });
  }
  await delay(SETTLE);
  const paths = [...changes];
  changes.clear();
  return paths;
}

/**
 * Bundles the gateway, and first generates Prisma's client where its schema changed. Prints what fails.
 * @returns whether it succeeded
 */
async function build(paths) {
  if (paths.includes('prisma/schema.prisma')) {
    const [code] = await once(spawn('node_modules/.bin/prisma', ['generate'], { stdio: 'inherit' }), 'exit');
    if (code !== 0) return false;
  }
  const isConsole = (path) => path.startsWith(join('src', 'console'));
  if (
    paths.some(isConsole) &&
    !(await buildConsole().then(
      () => true,
      () => false,
    ))
  )
    return false;
  return bundle.rebuild().then(
    () => true,
    () => false,
  );
}

async function stop() {
  if (!gateway) return;
  const exited = once(gateway, 'exit');
  if (!gateway.killed) gateway.kill('SIGTERM');
  await exited;
}

function start() {
  if (ending) return;
  // In a process group of its own, so that Ctrl-C does not reach it as well: a second signal would end it without a graceful shutdown.
  const started = spawn(process.execPath, ['--enable-source-maps', 'dist/dev/main.js'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  started.once('exit', (code, signal) => {
    gateway = undefined;
    if (!started.killed) console.log(`dev: the gateway ended (${signal ?? `exit code ${code}`}), waiting for a change`);
  });
  gateway = started;
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    ending = true;
    await stop();
    process.exit();
  });
}
// If this process fails.
process.on('exit', () => gateway?.kill('SIGTERM'));

watchSources();
if (await build([])) start();
for (;;) {
  const paths = await nextChanges();
  watchSources();
  if (!(await build(paths))) continue;
  console.log(`dev: restarting, changed: ${paths.join(', ')}`);
  await stop();
  start();
}
