// Copies what the built gateway needs to run into a directory: `node ops/image/runtime.mjs /gateway`. Everything else is bundled in dist.
import { chmodSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PARTS = [
  'package.json',
  'dist',
  'prisma/migrations',
  // Outside the bundle: it reads its WebAssembly and data from its own directory.
  'node_modules/@electric-sql/pglite',
  'node_modules/@electric-sql/pglite-socket',
];

const [target] = process.argv.slice(2);
if (!target) throw new Error('Name the directory to copy to.');
for (const part of PARTS) {
  mkdirSync(dirname(join(target, part)), { recursive: true });
  cpSync(join(root, part), join(target, part), { recursive: true, filter: (source) => !/\.(m?js|css)\.map$/.test(source) });
}
// The gateway runs as another user than the build, and PGlite creates the snapshot's files with permissions for the build's user alone.
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}
