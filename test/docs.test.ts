import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildSchema, getNamedType, isInputObjectType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../src/database/package-root.ts';

// What the documents say of the tree, as far as it can be compared with it.

const root = packageRoot();
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'examples/README.md', 'bench/README.md'],
  ...(await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
];
const textOf = (path: string) => readFile(join(root, path), 'utf8');

const schema = buildSchema(readFileSync(join(root, 'schema', 'schema.graphql'), 'utf8'));
const [query, subscription] = [schema.getQueryType(), schema.getSubscriptionType()];

/** Folders whose files a document may name in backticks; those of src/ without it, too. */
const FOLDERS = /^(src|schema|test|bench|docs|examples|prisma|\.ci)\/./;
/** Named as what was there before, or made by a build. */
const ABSENT = ['src/http/'];

describe.each(documents)('%s', (document) => {
  test('names files and folders that exist, and links to them', async () => {
    const text = await textOf(document);
    const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]*)+)`/g)].map(([, path = '']) => path);
    const inSource = named.filter((path) => /\.ts$/.test(path) && !FOLDERS.test(path)).map((path) => join('src', path));
    const linked = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => join(dirname(document), path));
    const paths = [...named.filter((path) => FOLDERS.test(path) && !ABSENT.includes(path)), ...inSource, ...linked];
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('names filters that the schema has', async () => {
    const unknown: string[] = [];
    for (const [, list = '', conditions = ''] of (await textOf(document)).matchAll(/\b(\w+)\([^()`]*?filter: ?\{([^{}`]*)\}/g)) {
      const argument = [query, subscription].flatMap((type) => type?.getFields()[list]?.args ?? []).find(({ name }) => name === 'filter');
      const type = argument && getNamedType(argument.type);
      if (!isInputObjectType(type)) continue;
      const fields = [...conditions.replaceAll(/"[^"]*"/g, '').matchAll(/(\w+):/g)].map(([, field = '']) => field);
      unknown.push(...fields.filter((field) => !(field in type.getFields())).map((field) => `${list}(filter: {${field}})`));
    }
    expect(unknown).toEqual([]);
  });

  test('has no line beyond 160 characters but for links, which cannot be broken', async () => {
    const lines = (await textOf(document)).split('\n');
    expect(lines.filter((line) => line.length > 160 && !line.includes('](https://'))).toEqual([]);
  });
});

test('docs/security.md quotes tests by their titles', async () => {
  const missing: string[] = [];
  for (const [, tests = ''] of (await textOf('docs/security.md')).matchAll(/^- Tests: (.*(?:\n {2}.*)*)/gm)) {
    let source = '';
    for (const [, path, title] of tests.replaceAll(/\s+/g, ' ').matchAll(/`([^`]+)`|"([^"]+)"/g)) {
      if (path) source = /\.ts$/.test(path) ? readFileSync(join(root, path), 'utf8') : '';
      const parts = (title ?? '').split('…').map((part) => part.trim());
      missing.push(...parts.filter((part) => !source.includes(part)));
    }
  }
  expect(missing).toEqual([]);
});

test('docs/adr/README.md lists each decision with its date and status', async () => {
  const index = await textOf('docs/adr/README.md');
  const files = (await readdir(join(root, 'docs/adr'))).filter((name) => name !== 'README.md').sort();
  for (const [place, name] of files.entries()) {
    const [, date, status] = /^# \d+\. .*\n\nDate: (\S+)\n\nStatus: (\w+)/.exec(await textOf(join('docs/adr', name))) ?? [];
    expect(name).toMatch(new RegExp(`^${String(place + 1).padStart(4, '0')}-`));
    expect(index).toMatch(new RegExp(`^\\| ${place + 1} \\| \\[.*\\]\\(${name}\\) \\| ${date} \\| ${status} \\|`, 'm'));
  }
});
