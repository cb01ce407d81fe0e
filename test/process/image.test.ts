import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { GatewayProcess } from './gateway-process.ts';

let directory: string;
let target: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gateway-image-'));
  target = join(directory, 'gateway');
  execFileSync(process.execPath, [join(packageRoot(), 'ops/image/runtime.mjs'), target]);
});
afterAll(() => rm(directory, { recursive: true }));

test('every user can read the files of the image, such as the snapshot that a new embedded database is copied from', () => {
  const entries = readdirSync(target, { recursive: true, withFileTypes: true });
  expect(entries.some(({ name }) => name === 'PG_VERSION')).toBe(true);
  const closed = entries.filter((entry) => {
    const { mode } = statSync(join(entry.parentPath, entry.name));
    const needed = entry.isDirectory() ? 0o005 : 0o004;
    return (mode & needed) !== needed;
  });
  expect(closed.map(({ name }) => name)).toEqual([]);
});

test('the gateway has less than 200 MB beyond node', () => {
  const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  expect(bytes / 1e6).toBeLessThan(200);
});

test('the image serves every page and its scripts without the packages of the checkout', async () => {
  const command = [process.execPath, join(target, 'dist', 'main.js')];
  const gateway = new GatewayProcess({ DATA_DIR: join(directory, 'data') }, command, target);
  const url = await gateway.listening();
  const pages = ['/msteams/docs', '/graphql', '/console/'];
  const scripts = ['/msteams/docs/swagger-ui.css', '/msteams/docs/swagger-ui-bundle.js', '/msteams/docs/start.js'];
  const html = await fetch(new URL('/console/', url)).then((response) => response.text());
  scripts.push(...[...html.matchAll(/(?:src|href)="([\w-]+\.js)"/g)].map(([, name]) => `/console/${name}`));
  expect(scripts.length).toBeGreaterThan(3);
  const statuses = await Promise.all(
    [...pages, ...scripts].map(async (path) => [path, (await fetch(new URL(path, url), { headers: { accept: 'text/html, */*' } })).status]),
  );
  expect(statuses).toEqual([...pages, ...scripts].map((path) => [path, 200]));
  await gateway.end('SIGTERM');
});

test('the image has the license, and the notices of every package in the bill of materials with the text of its license', () => {
  expect(readFileSync(join(target, 'LICENSE'), 'utf8')).toBe(readFileSync(join(packageRoot(), 'LICENSE'), 'utf8'));
  const notices = readFileSync(join(target, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
  const { components } = bill();
  const listed = notices.match(/^(?:@[^/\s]+\/)?[^@/\s]+@\S+(?= \([A-Za-z0-9.-]+\)$)/gm) ?? [];
  expect(listed.sort()).toEqual(components.map(({ name, version }) => `${name}@${version}`).sort());
  for (const section of notices.split(`${'-'.repeat(80)}\n\n`).slice(1)) {
    const text = section.slice(section.indexOf('\n\n')).toLowerCase();
    expect(text, section.slice(0, 100)).toMatch(/permission|redistribution|licensed under|apache license|public domain/);
  }
  for (const copyright of ['Copyright (c) 2010-2020 Robert Kieffer', 'PostgreSQL Global Development Group', 'DOMPurify'])
    expect(notices).toContain(copyright);
});

test('the bill of materials lists what the source maps name, what the console contains and what is copied, and nothing else', () => {
  const { metadata, components } = bill();
  const { name, version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  expect(metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
  expect(components.filter(({ licenses }) => !licenses?.[0]?.license.id)).toEqual([]);

  const listed = new Set(components.map((component) => component.name));
  const named = new Set(mapped());
  // Prisma's client is built from packages of its own repository, which have its version.
  expect([...named].filter((each) => !listed.has(each) && !each.startsWith('@prisma/'))).toEqual([]);
  // esbuild gives no source map of the console. What its packages contain of others, their file names say.
  const ofConsole: string[] = JSON.parse(readFileSync(join(packageRoot(), 'dist/console-packages.json'), 'utf8')).map(nameIn);
  const copied = readdirSync(join(target, 'node_modules')).flatMap((entry) =>
    entry.startsWith('@') ? readdirSync(join(target, 'node_modules', entry)).map((each) => `${entry}/${each}`) : entry,
  );
  expect(ofConsole).toContain('react-dom');
  expect(copied).toContain('swagger-ui-dist');
  const known = new Set([...named, ...ofConsole, ...copied]);
  expect([...listed].filter((each) => !known.has(each))).toEqual([]);
  expect([...known].filter((each) => !listed.has(each) && !each.startsWith('@prisma/'))).toEqual([]);

  const versions = components.map((component) => `${component.name}@${component.version}`);
  // Two that are installed, one within another; and three that are only within a package's own bundle.
  for (const each of ['postgres-array@2.0.0', 'bignumber.js', '@noble/hashes', '@paralleldrive/cuid2'])
    expect(versions.some((one) => one.startsWith(each))).toBe(true);
  for (const each of ['prisma', 'typescript', 'effect', 'mysql2', 'esbuild', '@types/node']) expect(listed).not.toContain(each);
});

interface Bill {
  metadata: { component: object };
  components: { name: string; version: string; licenses?: { license: { id: string } }[] }[];
}

function bill(): Bill {
  return JSON.parse(
    execFileSync(process.execPath, ['.ci/sbom.mjs'], { cwd: packageRoot(), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }),
  );
}

const nameIn = (path: string) => path.replace(/^.*node_modules\//, '').replace(/^((?:@[^/]+\/)?[^/]+).*$/, '$1');

/** The packages whose sources the gateway's source maps name. */
function mapped(): string[] {
  const dist = join(packageRoot(), 'dist');
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js.map'))
    .flatMap((file): string[] => JSON.parse(readFileSync(join(dist, file), 'utf8')).sources)
    .filter((source) => source.includes('node_modules/'))
    .map(nameIn);
}
