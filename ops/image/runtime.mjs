// Copies what the built gateway needs to run into a directory, with the licenses: `node ops/image/runtime.mjs /gateway`. Everything else is bundled in dist.
import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notices } from './notices.mjs';
import { COPIED, shippedPackages } from './packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PARTS = [
  'package.json',
  'LICENSE',
  'dist',
  'prisma/migrations',
  ...Object.entries(COPIED).flatMap(([name, files = ['']]) => files.map((file) => join('node_modules', name, file))),
];
/** Source maps, and what the build leaves for the bill of materials. */
const LEFT_OUT = /\.(m?js|css)\.map$|[\\/]dist[\\/](console|gateway)-packages\.json$/;

const [target] = process.argv.slice(2);
if (!target) throw new Error('Name the directory to copy to.');
for (const part of PARTS) {
  mkdirSync(dirname(join(target, part)), { recursive: true });
  cpSync(join(root, part), join(target, part), { recursive: true, filter: (source) => !LEFT_OUT.test(source) });
}
writeFileSync(join(target, 'THIRD-PARTY-NOTICES.txt'), notices(shippedPackages()));
// The gateway runs as another user than the build, and PGlite creates the snapshot's files with permissions for the build's user alone.
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}
