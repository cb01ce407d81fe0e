// The packages of others that are in what is shipped: what the last build put into its bundles, and what runtime.mjs copies. The bill of materials and
// the third-party notices list them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageOf } from '../../console.config.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const json = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

/** The packages that stay outside the bundles, with the files that are needed if these are not all. */
export const COPIED = {
  // They read their WebAssembly and data from their own directories.
  '@electric-sql/pglite': undefined,
  '@electric-sql/pglite-socket': undefined,
  // The page of the REST API's documentation reads its files (src/contract/openapi/docs-page.ts).
  'swagger-ui-dist': ['package.json', 'LICENSE', 'NOTICE', 'swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt'],
};

/** Licenses and copyrights of packages that are installed without the text of their license, or not at all, since another package contains them. */
const LICENSES = json('ops', 'image', 'licenses.json');

/**
 * The packages, by name and version.
 * @returns for each `name`, `version`, `license` (SPDX), `copyright` if licenses.json has it, and `directory` where a copy is installed, of this version
 *   if `isInstalled`
 */
export function shippedPackages() {
  const paths = [
    ...json('dist', 'console-packages.json'),
    ...json('dist', 'gateway-packages.json'),
    ...sourcesOf(join(root, 'dist')).flatMap((source) => packageOf(source) ?? []),
    ...Object.keys(COPIED).map((name) => `node_modules/${name}`),
  ];
  const found = [...new Set(paths)].map((path) => packageAt(path));
  const packages = found.filter(({ version }) => version !== undefined);
  for (const { name, version } of found) {
    // Prisma's client is built from several packages of one repository, some of which are not published.
    if (version === undefined && !packages.some((one) => scopeOf(one.name) === scopeOf(name)))
      throw new Error(`The version of ${name}, which another package contains, is not known.`);
  }
  // A package that is installed comes first: the same one may be in another's bundle, too.
  packages.sort(
    (one, other) => compare(one.name, other.name) || compare(one.version, other.version) || other.isInstalled - one.isInstalled,
  );
  return packages.filter((one, index) => index === 0 || nameAndVersion(one) !== nameAndVersion(packages[index - 1]));
}

export const nameAndVersion = ({ name, version }) => `${name}@${version}`;

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
const scopeOf = (name) => /^@[^/]+\//.exec(name)?.[0] ?? name;

/**
 * The sources that the source maps of a directory's scripts name, relative to the top. esbuild follows the maps of packages that are bundles themselves,
 * so these name what such packages contain.
 */
function sourcesOf(directory) {
  return readdirSync(directory, { recursive: true })
    .filter((file) => file.endsWith('.js.map'))
    .flatMap((file) => {
      const path = join(directory, file);
      const { sources } = JSON.parse(readFileSync(path, 'utf8'));
      return sources.map((source) =>
        relative(root, resolve(dirname(path), source))
          .split(sep)
          .join('/'),
      );
    });
}

function packageAt(path) {
  const place = path.replace(/^.*node_modules\//, '');
  const installed = [path, `node_modules/${place}`].find((each) => existsSync(join(root, each, 'package.json')));
  const manifest = installed === undefined ? undefined : json(installed, 'package.json');
  const isInstalled = installed === path;
  const name = isInstalled ? manifest.name : place;
  return {
    name,
    version: isInstalled ? manifest.version : versionInPath(path, place),
    license: manifest?.license ?? LICENSES[name]?.license,
    copyright: LICENSES[name]?.copyright,
    directory: installed === undefined ? undefined : join(root, installed),
    isInstalled,
  };
}

/** The version that pnpm's directories name: `.pnpm/uuid@14.0.0/node_modules/uuid`. Behind an underscore are those of peers. */
function versionInPath(path, name) {
  const [, entry = ''] = /^.*\/\.pnpm\/([^/]+)\//.exec(path) ?? [];
  const found = entry.split('_').find((each) => each.startsWith(`${name.replace('/', '+')}@`));
  return found?.slice(name.length + 1);
}
