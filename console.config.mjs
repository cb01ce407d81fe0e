// Builds the console, dist/console/: the page, its scripts (gzipped, too), and the manifest of its documents, which the gateway trusts.
// `--types` only writes the types that gql.tada reads the schema from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(root, 'src', 'console');
const SCHEMA = join(root, 'schema', 'schema.graphql');
const TYPES = join(SOURCES, '__generated__', 'introspection.d.ts');
const OUT = join(root, 'dist', 'console');
/** The packages that the page contains, as `<name>@<version>`: the bill of materials lists them, though they are installed for development only. */
export const PACKAGES = join(root, 'dist', 'console-packages.json');

/** A document, as the sources contain it. */
const TAGGED = /\bgraphql\(\s*`([^`]*)`,?\s*\)/g;

/**
 * Replaces each document by its id: the page sends no text, and has no parser. A document that is not valid against the schema fails the build.
 * @param documents the manifest, which receives each document's text by its id
 */
function compiledDocuments(graphql, documents) {
  const schema = graphql.buildSchema(readFileSync(SCHEMA, 'utf8'));
  const homes = fluentHomes();
  return {
    name: 'compiled documents',
    setup(build) {
      build.onResolve({ filter: /^fluent:/ }, ({ path, kind }) =>
        build.resolve(path.replace('fluent:', ''), { kind, resolveDir: join(root, 'node_modules', FLUENT) }),
      );
      build.onLoad({ filter: /src\/console\/.*\.tsx?$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const errors = [];
        const contents = source.replaceAll(TAGGED, (_, text) => {
          const document = withTypeNames(graphql, graphql.parse(text));
          errors.push(...graphql.validate(schema, document).map(({ message }) => ({ text: message, location: { file: path } })));
          const printed = graphql.print(document);
          const id = createHash('sha256').update(printed).digest('hex');
          documents[id] = printed;
          return `({ kind: 'Document', definitions: [], documentId: 'sha256:${id}' } as never)`;
        });
        return { contents: withFluentHomes(contents, homes), errors, loader: path.endsWith('x') ? 'tsx' : 'ts' };
      });
    },
  };
}

/** The package of Fluent UI that exports all of its packages' components. */
const FLUENT = '@fluentui/react-components';

/** The package of each of Fluent UI's components that FLUENT exports: `[package, name there]`. */
function fluentHomes() {
  const text = readFileSync(join(root, 'node_modules', FLUENT, 'lib', 'index.js'), 'utf8').replaceAll(/\/\/.*$/gm, '');
  const homes = new Map();
  for (const [, names, home] of text.matchAll(/export \{([^}]*)\} from ["']([^"']*)["']/g)) {
    for (const each of names.split(',')) {
      const [name, as = name] = each.trim().split(/\s+as\s+/);
      homes.set(as, [home, name]);
    }
  }
  return homes;
}

/**
 * Imports Fluent UI's components from their own packages. If pages imported them through FLUENT, the first load would contain the components of all pages:
 * esbuild splits code by file, and the first script needs FLUENT's file, too.
 */
function withFluentHomes(source, homes) {
  return source.replaceAll(/^import \{([^}]*)\} from '@fluentui\/react-components';$/gm, (_, names) =>
    names
      .split(',')
      .flatMap((each) => {
        const imported = each.trim();
        if (imported === '') return [];
        const [home, name] = homes.get(imported) ?? [];
        return [home ? `import { ${name} as ${imported} } from 'fluent:${home}';` : `import { ${imported} } from '${FLUENT}';`];
      })
      .join(' '),
  );
}

/** Selects `__typename` wherever a type is not known in advance: urql's cache reads by it which lists a change concerns. */
function withTypeNames({ visit, Kind }, document) {
  const typeName = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
  const has = ({ selections }) => selections.some((one) => one.kind === Kind.FIELD && !one.alias && one.name.value === '__typename');
  const add = (node) =>
    node.selectionSet && !has(node.selectionSet)
      ? { ...node, selectionSet: { ...node.selectionSet, selections: [typeName, ...node.selectionSet.selections] } }
      : undefined;
  return visit(document, { [Kind.FIELD]: { leave: add }, [Kind.INLINE_FRAGMENT]: { leave: add } });
}

/** Builds dist/console/. The files of the build before stay while the new ones are written. */
export async function buildConsole() {
  const [{ build }, graphql] = await Promise.all([import('esbuild'), import('graphql')]);
  const documents = {};
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'src/console/main.tsx' },
    outdir: 'dist/console',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    logLevel: 'warning',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [compiledDocuments(graphql, documents)],
  });
  const nameOf = (path) => path.replace(/^.*dist[\\/]console[\\/]/, '');
  const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'src/console/main.tsx')?.[0] ?? '';
  const first = [entry, ...metafile.outputs[entry].imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path)];
  const files = outputFiles.map(({ path, contents }) => ({ name: nameOf(path), contents }));
  const html = readFileSync(join(SOURCES, 'index.html'), 'utf8')
    .replace('%SCRIPT%', nameOf(entry))
    .replace(
      '%PRELOADS%',
      first
        .slice(1)
        .map((path) => `<link rel="modulepreload" href="${nameOf(path)}">`)
        .join('\n'),
    );
  files.push(
    { name: 'index.html', contents: Buffer.from(html) },
    { name: 'documents.json', contents: Buffer.from(JSON.stringify(documents)) },
  );

  // The first build has no dist yet, and the gateway, built at the same time, may be later.
  mkdirSync(dirname(PACKAGES), { recursive: true });
  writeFileSync(PACKAGES, JSON.stringify(packagesOf(metafile)));

  // Of this process: tests may build it twice at a time.
  const [fresh, former] = [`${OUT}.new-${process.pid}`, `${OUT}.old-${process.pid}`];
  for (const directory of [fresh, former]) rmSync(directory, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const { name, contents } of files) {
    writeFileSync(join(fresh, name), contents);
    if (name.endsWith('.js')) writeFileSync(join(fresh, `${name}.gz`), gzipSync(contents, { level: 9 }));
  }
  try {
    if (existsSync(OUT)) renameSync(OUT, former);
    renameSync(fresh, OUT);
  } catch (error) {
    // The other one's build, of the same sources, is there.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(former, { recursive: true, force: true });
  return { first: first.map(nameOf) };
}

/** The packages of which anything is left in a bundle. */
function packagesOf({ outputs }) {
  const isPackage = (path) => existsSync(join(root, path, 'package.json'));
  // A package may contain another one's code, without its package.json: then it is part of the first.
  const packageOf = (path) =>
    [/^.*node_modules\/(?:@[^/]+\/)?[^/]+/, /^.*?node_modules\/(?:@[^/]+\/)?[^/]+/]
      .map((form) => form.exec(path)?.[0])
      .find((found) => found && isPackage(found));
  const paths = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? (packageOf(path) ?? []) : [])),
  );
  const versionOf = (path) => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).version;
  return [...new Set(paths)].map((path) => `${path.replace(/^.*node_modules\//, '')}@${versionOf(path)}`).sort();
}

/** Writes the types of the schema for gql.tada. They are as old as the schema, so that no build takes them for a change. */
async function writeTypes() {
  const { mtime } = statSync(SCHEMA);
  if (existsSync(TYPES) && statSync(TYPES).mtime.getTime() === mtime.getTime()) return;
  const { buildSchema, introspectionFromSchema } = await import('graphql');
  const { minifyIntrospection, outputIntrospectionFile } = await import('@gql.tada/internal');
  const introspection = minifyIntrospection(introspectionFromSchema(buildSchema(readFileSync(SCHEMA, 'utf8'))));
  const { mtime: sourcesTime } = statSync(SOURCES);
  mkdirSync(dirname(TYPES), { recursive: true });
  writeFileSync(TYPES, outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true }));
  for (const path of [TYPES, dirname(TYPES)]) utimesSync(path, mtime, mtime);
  utimesSync(SOURCES, sourcesTime, sourcesTime);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await (process.argv.includes('--types') ? writeTypes() : buildConsole());
