// What the console's scripts import, arranged so that the first load is small and in few files. esbuild splits code by file: it loads what a file imports
// for everything that the file is part of, also if only some of the file's exports are used.
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** React's modules, which are in CommonJS. */
const REACT = /^(react|react-dom|react-dom\/client|react\/jsx-runtime)$/;
/** The package that exports the components of all of Fluent UI's packages. */
const FLUENT = '@fluentui/react-components';

/**
 * Gives React's modules exports. esbuild would copy such a module's properties into an object for each file that imports it, at every start: some two
 * hundred files do.
 */
export function reactModules(root) {
  const require = createRequire(join(root, 'package.json'));
  return {
    name: "React's modules",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: REACT }, ({ path, kind, namespace }) =>
        kind === 'import-statement' && namespace !== 'react' ? { path, namespace: 'react', sideEffects: false } : undefined,
      );
      onLoad({ filter: /./, namespace: 'react' }, ({ path }) => {
        const names = Object.keys(require(path)).map((name) => `export const ${name} = all.${name};`);
        return { contents: [`import all from '${path}';`, 'export default all;', ...names].join('\n'), resolveDir: root };
      });
    },
  };
}

/** Imports what Fluent UI's packages export from the files that have it, in its own files, too. */
export function fluentFiles(root, homes) {
  return {
    name: "Fluent UI's files",
    setup({ onLoad, onResolve, resolve }) {
      onResolve({ filter: /^fluent:/ }, ({ path, kind }) =>
        resolve(path.slice('fluent:'.length), { kind, resolveDir: join(root, 'node_modules', FLUENT) }),
      );
      onLoad({ filter: /[\\/]@fluentui[\\/][\w-]+[\\/]lib[\\/].*\.js$/ }, async ({ path }) => ({
        contents: homes.rewritten(await readFile(path, 'utf8'), path),
        loader: 'js',
      }));
    },
  };
}

/** Finds where Fluent UI's exports come from. */
export function fluentHomes(root) {
  const packages = join(root, 'node_modules', '@fluentui');
  const read = new Map();

  /** What a file exports of other files: `[file, name there]` by name. */
  function passedOnBy(file) {
    if (!read.has(file)) {
      const text = readFileSync(file, 'utf8')
        .replaceAll(/\/\*.*?\*\//gs, '')
        .replaceAll(/\/\/.*$/gm, '');
      const passed = new Map();
      for (const [, names, from] of text.matchAll(/export \{([^}]*)\} from ["']([^"']*)["']/g)) {
        const other = fileOf(from, file);
        for (const [name, as] of namesIn(names)) passed.set(as, [other, name]);
      }
      read.set(file, passed);
    }
    return read.get(file);
  }
  /** The file that an import leads to; `fluent:` and the package for those of others. */
  const fileOf = (from, importer) =>
    from.startsWith('.')
      ? join(dirname(importer), from)
      : /^@fluentui\/[\w-]+$/.test(from) && from !== '@fluentui/react-icons'
        ? join(packages, from.slice('@fluentui/'.length), 'lib', 'index.js')
        : `fluent:${from}`;
  const homeOf = (file, name) => {
    const next = file.startsWith('fluent:') ? undefined : passedOnBy(file).get(name);
    return next ? homeOf(...next) : [file, name];
  };

  return {
    /** The source of a file, with its imports of Fluent UI's exports from their own files. */
    rewritten: (source, path) =>
      source.replaceAll(/^import \{([^}]*)\} from (["'])((?:@fluentui\/|\.)[^"']*)\2;?$/gm, (statement, names, _, from) => {
        const isOwn = !/[\\/]node_modules[\\/]/.test(path);
        const file = fileOf(from, path);
        if ((isOwn && from !== FLUENT) || file.startsWith('fluent:')) return statement;
        return namesIn(names)
          .map(([name, as]) => {
            const [home, there] = name.startsWith('type ') ? [] : homeOf(file, name);
            return home ? `import { ${there} as ${as} } from ${JSON.stringify(home)};` : `import { ${name} } from '${from}';`;
          })
          .join(' ');
      }),
  };
}

const namesIn = (names) =>
  names
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => each.split(/\s+as\s+/))
    .map(([name, as = name]) => [name, as]);

/**
 * The files of the sources that are loaded later, by `import()`. Each is made to import the entry point: then all that the first load needs is needed by
 * all of them alike, so esbuild puts it into one file. It would split it into some fifteen, by which pages need what.
 */
export function loadedLater(sources) {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
  return new Set(
    files.flatMap((name) => {
      const file = join(sources, name);
      return [...readFileSync(file, 'utf8').matchAll(/\bimport\('(\.[^']*)'\)/g)].map(([, other]) => join(dirname(file), other));
    }),
  );
}
