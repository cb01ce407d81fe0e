import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// docs/architecture.md draws who imports whom, and Biome's rules (biome.json) allow it. Both say what the code does, no more and no less.
// Circles are the lint rule noImportCycles'.

const root = fileURLToPath(new URL('..', import.meta.url));

interface BiomeConfig {
  readonly overrides: readonly {
    readonly includes: readonly string[];
    readonly linter: {
      readonly rules: {
        readonly style: { readonly noRestrictedImports: { readonly options: { readonly patterns: [{ group: string[] }] } } };
      };
    };
  }[];
  readonly linter: { readonly rules: { readonly suspicious: { readonly noImportCycles: object } } };
}

/** A file's room: its folder, or the file itself directly under src/. */
const roomOf = (file: string): string => (dirname(file) === 'src' ? file : file.startsWith('prisma/') ? 'prisma' : dirname(file));

/** The TypeScript files of a folder, but those that a build generates. */
const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !/node_modules|__generated__/.test(name))
    .map((name) => join(folder, name));

/** Who imports whom in the code, by rooms. */
function importsOf(folders: readonly string[]): Map<string, Set<string>> {
  const imports = new Map<string, Set<string>>();
  for (const file of folders.flatMap(filesOf)) {
    const room = roomOf(file);
    const found = imports.get(room) ?? new Set();
    imports.set(room, found);
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(/(?:\bfrom |\bimport\(|\bimport )'(\.[^']*)'/g)) {
      const other = roomOf(join(dirname(file), specifier));
      if (specifier.includes('/__generated__/')) continue;
      if (other !== room) found.add(other);
    }
  }
  return imports;
}

/** Who may import whom by the list "Who imports whom". */
function drawn(): Map<string, Set<string>> {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8').replaceAll(/\n {2}(?=`)/g, ' ');
  const rows = [...text.matchAll(/^- `([^`]+)` → (.*)$/gm)];
  return new Map(
    rows.map(([, room = '', others = '']) => [room, new Set([...others.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))]),
  );
}

/** The patterns by which Biome lets a room import others and nothing else. */
function patternsFor(room: string, others: Iterable<string>): string[] {
  const from = room.endsWith('.ts') ? dirname(room) : room;
  const allowed = [...others].map((other) => {
    const path = relative(from, other);
    const specifier = path.startsWith('.') ? path : `./${path}`;
    if (other.endsWith('.ts')) return `!${specifier}`;
    return other === 'prisma' ? `!${specifier}/**` : `!${specifier}/*`;
  });
  return ['../**', './*/**', ...allowed.sort()];
}

const sorted = (arrows: ReadonlyMap<string, ReadonlySet<string>>) =>
  Object.fromEntries([...arrows].map(([room, others]) => [room, [...others].sort()]).sort());

const code = importsOf(['src', 'schema']);

test('docs/architecture.md lists exactly the imports of the code', () => {
  expect(sorted(drawn())).toEqual(sorted(code));
});

test('Biome allows exactly the imports in docs/architecture.md', () => {
  const { overrides } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as BiomeConfig;
  const allowed = overrides.map(({ includes, linter }) => {
    const [{ group }] = linter.rules.style.noRestrictedImports.options.patterns;
    return [(includes[0] as string).replace(/\/\*$/, ''), [...group.slice(0, 2), ...group.slice(2).sort()]];
  });
  const expected = [...drawn()].map(([room, others]) => [room, patternsFor(room, others)]);
  expect(Object.fromEntries(allowed)).toEqual(Object.fromEntries(expected));
});

test('the console imports nothing of the gateway, and the gateway nothing of it', () => {
  for (const [room, others] of code)
    for (const other of others)
      expect([room, other, /^src\/console(\/|$)/.test(other)]).toEqual([room, other, /^src\/console(\/|$)/.test(room)]);
});

test('Biome refuses circular imports, even of types', () => {
  const { linter } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as BiomeConfig;
  expect(linter.rules.suspicious.noImportCycles).toEqual({ level: 'error', options: { ignoreTypes: false } });
});

const textsOf = (folders: readonly string[]) =>
  folders.flatMap(filesOf).map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

test('every export of src/ and schema/ has an importer', () => {
  const imported = new Set<string>();
  for (const { file, text } of textsOf(['src', 'schema', 'test', 'bench'])) {
    const add = (specifier: string, names: string) => {
      for (const [name] of names.matchAll(/\w+/g)) imported.add(`${join(dirname(file), specifier)}: ${name}`);
    };
    for (const [, names = '', specifier = ''] of text.matchAll(/(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']*)'/g))
      add(specifier, names);
    for (const [, names = '', specifier = ''] of text.matchAll(/\{([^}]*)\} = await import\('(\.[^']*)'\)/g)) add(specifier, names);
  }
  const exported = textsOf(['src', 'schema']).flatMap(({ file, text }) =>
    [...text.matchAll(/^export (?:async )?(?:function|const|class|interface|type)\s+(\w+)/gm)].map(([, name]) => `${file}: ${name}`),
  );
  expect(exported.filter((name) => !imported.has(name))).toEqual([]);
});

/** The console is a house of its own, which shares no type with the gateway. */
const isConsole = (file: string) => file.startsWith('src/console/');

test.each([
  ['the gateway', (file: string) => !isConsole(file)],
  ['the console', isConsole],
])('one name means one type in %s', (_, isIn) => {
  const places = new Map<string, string[]>();
  for (const { file, text } of textsOf(['src']).filter(({ file: path }) => isIn(path)))
    for (const [, name = ''] of text.matchAll(/^(?:export )?(?:abstract )?(?:class|interface|type|enum) (\w+)/gm))
      places.set(name, [...(places.get(name) ?? []), file]);
  expect([...places].filter(([, files]) => files.length > 1)).toEqual([]);
});
