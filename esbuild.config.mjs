// Builds dist/: the bundled gateway, the console, its command-line tools, and the embedded database's snapshot.
// `--check` builds nothing and exits with 1 where dist is older than its sources.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildConsole, packagesOf } from './console.config.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const SOURCES = [
  'src',
  'schema',
  'prisma/schema.prisma',
  'prisma/migrations',
  'package-lock.json',
  'esbuild.config.mjs',
  'console.config.mjs',
  'console.imports.mjs',
];
/** The last file that a build writes. */
const STAMP = join(root, 'dist', '.built');

/** Whether dist is missing or a source changed since it was built. */
export function isStale() {
  if (!existsSync(STAMP)) return true;
  const built = statSync(STAMP).mtimeMs;
  return SOURCES.some((source) => newest(join(root, source)) > built);
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

/**
 * Prisma's query compiler in a file of its own instead of a text in base64, which memory would hold twice: in the module's source and in its export.
 * What the generated client decodes from base64 may be bytes as well.
 */
const compilerAsFile = {
  name: 'query compiler as a file',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /query_compiler_\w+\.\w+\.wasm-base64\.m?js$/ }, async ({ path }) => {
      const { wasm } = await import(pathToFileURL(path).href);
      const lines = [
        "import { readFileSync } from 'node:fs';",
        "import file from 'query-compiler.wasm';",
        'export const wasm = readFileSync(new URL(file, import.meta.url));',
      ];
      return { contents: lines.join('\n'), pluginData: Buffer.from(wasm, 'base64') };
    });
    onResolve({ filter: /^query-compiler\.wasm$/ }, ({ path, pluginData }) => ({ path, namespace: 'query-compiler', pluginData }));
    onLoad({ filter: /./, namespace: 'query-compiler' }, ({ pluginData }) => ({ contents: pluginData, loader: 'file' }));
  },
};

/**
 * Stores Prisma's graph of parameters as dictionaries. Each of its 2,600 nodes is an object with a few integer keys below a thousand. V8 stores each as an
 * array up to the highest key, 10 MB in all. Adding a far higher key makes V8 store it as a dictionary, even after that key is deleted.
 */
const sparseParamGraph = {
  name: "Prisma's graph of parameters as dictionaries",
  setup({ onLoad }) {
    onLoad({ filter: /@prisma[\\/]client[\\/]runtime[\\/]client\.m?js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = source.replace(/\.push\(\{edges:(\w+)\}\)/g, '.push({edges:asDictionary($1)})');
      if (contents.split('asDictionary').length !== 3)
        throw new Error("Prisma's graph of parameters is not read as it was (esbuild.config.mjs).");
      const asDictionary = 'function asDictionary(edges) { edges[4e9] = 0; delete edges[4e9]; return edges; }';
      return { contents: `${contents}\n${asDictionary}` };
    });
  },
};

/**
 * Keeps the patterns of numbering plans compiled. libphonenumber-js compiles each one for each number: a third of what reading a number takes. The map
 * holds at most the patterns of the metadata.
 */
const compiledPatterns = {
  name: "libphonenumber's patterns compiled once",
  setup({ onLoad }) {
    onLoad({ filter: /libphonenumber-js[\\/].*matchesEntirely\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = source.replace(/new RegExp\('\^\(\?:' \+ (\w+) \+ '\)\$'\)/, 'compiled($1)');
      if (contents === source) throw new Error("libphonenumber's patterns are not matched as they were (esbuild.config.mjs).");
      const compiled = `const patterns = new Map();
        function compiled(text) {
          let pattern = patterns.get(text);
          if (!pattern) patterns.set(text, (pattern = new RegExp('^(?:' + text + ')$')));
          return pattern;
        }`;
      return { contents: `${contents}\n${compiled}` };
    });
  },
};

/**
 * Escapes what is not ASCII: V8 holds a source with a character beyond Latin-1 in two bytes a character. esbuild escapes strings, but not patterns and
 * comments, where the same escape is allowed.
 */
function escapeNonAscii(file) {
  const source = readFileSync(file, 'utf8');
  const escaped = source.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (escaped === source) return;
  if (/(?:^|[^\\])(?:\\\\)*\\[^\0-\x7f]/.test(source))
    throw new Error(`${file} has an escaped character that is not ASCII: a second escape would change it.`);
  if (/String\.raw`[^`]*[^\0-\x7f`]/.test(source)) throw new Error(`${file} has a raw text that an escape would change.`);
  writeFileSync(file, escaped);
}

/** How the sources are bundled. PGlite stays outside the bundles: it reads its wasm and data files from its own directory. */
export const BUNDLE = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  external: ['@electric-sql/*', 'pg-native'],
  // Without it, graphql checks every value for a type from another copy of graphql. Here is only one copy (see below). The gateway reads its own
  // NODE_ENV from the settings.
  define: { 'process.env.NODE_ENV': '"production"' },
  // CommonJS packages in an ES module's bundle still call require for node's own modules.
  banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
};

/** Builds dist/. */
export async function buildAll() {
  const { build } = await import('esbuild');
  const started = new Date();
  rmSync(STAMP, { force: true });
  // What node compiled of the former bundle (src/main.ts).
  rmSync(join(root, 'dist', 'compiled'), { recursive: true, force: true });
  const builtConsole = buildConsole();
  const { metafile } = await build({
    ...BUNDLE,
    entryPoints: [
      'src/main.ts',
      'src/cli/database/account.ts',
      'src/cli/database/secrets.ts',
      'src/cli/transfer/import.ts',
      'src/cli/transfer/export.ts',
      'src/cli/database/move.ts',
      'src/cli/database/text-index.ts',
      'src/cli/transfer/app-package.ts',
      'src/cli/seed/seed.ts',
      'src/cli/demo/demo.ts',
      'src/cli/demo/demo-teams.ts',
      'src/cli/demo/phone.ts',
      'src/database/embedded/build-snapshot.ts',
    ],
    entryNames: '[name]',
    outdir: 'dist',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    assetNames: '[name]-[hash]',
    plugins: [compilerAsFile, sparseParamGraph, compiledPatterns],
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  if (inputs.some((path) => path.endsWith('graphql/type/schema.js')) && inputs.some((path) => path.endsWith('graphql/type/schema.mjs'))) {
    throw new Error('The bundle has two copies of graphql, whose types do not recognise each other.');
  }
  for (const output of Object.keys(metafile.outputs)) if (output.endsWith('.js')) escapeNonAscii(join(root, output));
  // For the bill of materials (ops/image/packages.mjs).
  writeFileSync(join(root, 'dist', 'gateway-packages.json'), JSON.stringify(packagesOf(metafile)));
  const chunks = join(root, 'dist', 'chunks');
  for (const file of readdirSync(chunks)) if (!metafile.outputs[`dist/chunks/${file}`]) rmSync(join(chunks, file));
  const { buildSnapshot } = await import('./dist/build-snapshot.js');
  await buildSnapshot();
  await builtConsole;
  writeFileSync(STAMP, '');
  // Sources that changed during the build are not in it.
  utimesSync(STAMP, started, started);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv.includes('--check')) process.exitCode = isStale() ? 1 : 0;
  else await buildAll();
}
