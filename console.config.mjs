// Builds the console, dist/console/: the page, its scripts (also compressed, by gzip and Brotli), and the manifest of its documents, which the gateway trusts.
// `--types` only writes the types that gql.tada reads the schema from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { fluentFiles, fluentHomes, loadedLater, reactModules } from './console.imports.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(root, 'src', 'console');
const ENTRY = 'src/console/main.tsx';
const SCHEMA = join(root, 'schema', 'schema.graphql');
const TYPES = join(SOURCES, '__generated__', 'introspection.d.ts');
const OUT = join(root, 'dist', 'console');
/** The directories of the packages that the page contains, for the bill of materials (ops/image/packages.mjs). */
const PACKAGES = join(root, 'dist', 'console-packages.json');

/** A document, as the sources contain it. */
const TAGGED = /\bgraphql\(\s*`([^`]*)`,?\s*\)/g;

/**
 * Replaces each document by its id: the page sends no text, and has no parser. A document that is not valid against the schema fails the build.
 * @param documents the manifest, which receives each document's text by its id
 */
function compiledDocuments(graphql, documents, homes) {
  const schema = graphql.buildSchema(readFileSync(SCHEMA, 'utf8'));
  const later = loadedLater(SOURCES);
  return {
    name: 'compiled documents',
    setup(build) {
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
        const entry = later.has(path) ? `\nimport ${JSON.stringify(join(root, ENTRY))};\n` : '';
        return { contents: homes.rewritten(contents, path) + entry, errors, loader: path.endsWith('x') ? 'tsx' : 'ts' };
      });
    },
  };
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

const nameOf = (path) => path.replace(/^.*dist[\\/]console[\\/]/, '');

/** How the scripts are bundled. */
const BUNDLE = {
  absWorkingDir: root,
  outdir: 'dist/console',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  write: false,
  target: 'es2022',
  logLevel: 'warning',
  legalComments: 'none',
};

/** Builds dist/console/. The files of the build before stay while the new ones are written. */
export async function buildConsole() {
  const [{ build }, graphql] = await Promise.all([import('esbuild'), import('graphql')]);
  const documents = {};
  const homes = fluentHomes(root);
  const { outputFiles, metafile } = await build({
    ...BUNDLE,
    entryPoints: { main: ENTRY },
    splitting: true,
    metafile: true,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [compiledDocuments(graphql, documents, homes), fluentFiles(root, homes), reactModules(root)],
  });
  const first = scriptsOf(ENTRY, metafile);
  const firstPaint = await build({
    ...BUNDLE,
    entryPoints: { first: 'src/console/first-paint.ts' },
    format: 'iife',
    plugins: [compiledDocuments(graphql, documents, homes)],
    define: { MAIN: JSON.stringify(first[0]), PAGES: JSON.stringify(pagesIn(metafile, first)) },
  });
  const files = [...outputFiles, ...firstPaint.outputFiles].map(({ path, contents }) => ({ name: nameOf(path), contents }));
  const html = readFileSync(join(SOURCES, 'index.html'), 'utf8')
    .replace('%FIRST%', nameOf(firstPaint.outputFiles[0].path))
    // With a low priority, so that the first paint's script comes before.
    .replace('%PRELOADS%', first.map((name) => `<link rel="modulepreload" fetchpriority="low" href="${name}">`).join('\n'));
  files.push(
    { name: 'index.html', contents: Buffer.from(html) },
    { name: 'documents.json', contents: Buffer.from(JSON.stringify(sorted(documents))) },
  );

  // The first build has no dist yet, and the gateway, built at the same time, may be later.
  mkdirSync(dirname(PACKAGES), { recursive: true });
  writeFileSync(PACKAGES, JSON.stringify(packagesOf(metafile)));

  // Of this process: tests may build it twice at a time.
  const [fresh, former] = [`${OUT}.new-${process.pid}`, `${OUT}.old-${process.pid}`];
  for (const directory of [fresh, former]) rmSync(directory, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const compressed = files.flatMap(({ name, contents }) =>
    name === 'documents.json'
      ? []
      : [
          { name: `${name}.gz`, contents: compressByGzip(contents, { level: 9 }) },
          { name: `${name}.br`, contents: compressByBrotli(contents, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length } }) },
        ],
  );
  for (const { name, contents } of [...files, ...compressed]) writeFileSync(join(fresh, name), await contents);
  try {
    if (existsSync(OUT)) renameSync(OUT, former);
    renameSync(fresh, OUT);
  } catch (error) {
    // The other one's build, of the same sources, is there.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(former, { recursive: true, force: true });
  return { first };
}

// At Brotli's highest level, which is its default.
const [compressByGzip, compressByBrotli] = [promisify(gzip), promisify(brotliCompress)];

/** The scripts that run before a source does, its own first. */
function scriptsOf(source, { outputs }) {
  const [own] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source);
  const found = new Set([own]);
  // A set's iterator also visits what is added meanwhile.
  for (const path of found) for (const { path: other, kind } of outputs[path].imports) if (kind === 'import-statement') found.add(other);
  return [...found].map(nameOf);
}

/** The scripts of each page by its path, without those of the first load. */
function pagesIn(metafile, first) {
  const routes = readFileSync(join(SOURCES, 'routes.tsx'), 'utf8').matchAll(/path: '([^']+)'.*?import\('\.\/([^']+)'\)/gs);
  const pages = [...routes].map(([, path, source]) => [
    path,
    scriptsOf(`src/console/${source}`, metafile).filter((name) => !first.includes(name)),
  ]);
  return Object.fromEntries([['/', pages[0][1]], ...pages]);
}

/** In the order of their ids: files are read in any order, and the same sources must give the same manifest. */
const sorted = (documents) => Object.fromEntries(Object.entries(documents).sort(([one], [other]) => (one < other ? -1 : 1)));

/** The directories of the packages that a bundle contains code of, by esbuild's metafile. */
export function packagesOf({ outputs }) {
  const paths = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? (packageOf(path) ?? []) : [])),
  );
  return [...new Set(paths)].sort();
}

/** The directory of the package that a file belongs to. */
export const packageOf = (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];

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
