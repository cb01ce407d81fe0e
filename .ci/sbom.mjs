// Prints the bill of materials (CycloneDX) of what is shipped. `npm sbom` lists what is installed: this script leaves what the last build put into its
// bundles or what is copied whole (ops/image/packages.mjs), and adds what such packages contain of others.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { nameAndVersion, shippedPackages } from '../ops/image/packages.mjs';

/** Names a component of a bill as `<name>@<version>`. */
export const nameOfComponent = ({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`;

/**
 * Makes the bill of what is shipped from npm's.
 * @param manifest package.json, for the name, which npm takes from the directory
 * @param packages what is shipped: `name`, `version` and `license` of each
 */
export function shipped(bill, manifest, packages) {
  const names = new Set(packages.map(nameAndVersion));
  const installed = bill.components.filter((component) => names.has(nameOfComponent(component)));
  const listed = new Set(installed.map(nameOfComponent));
  const contained = packages.filter((each) => !listed.has(nameAndVersion(each))).map(componentOf);
  const { component } = bill.metadata;
  const refs = new Set([component['bom-ref'], ...installed.map((each) => each['bom-ref'])]);
  const next = new Map(bill.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  return {
    ...bill,
    metadata: { ...bill.metadata, component: { ...component, name: manifest.name, version: manifest.version } },
    components: [...installed.map(withoutDevelopment), ...contained],
    // A package of which nothing is shipped may depend on one that is: then so do those that depend on it.
    dependencies: [...refs].map((ref) => ({ ref, dependsOn: [...reached(ref, next, refs)] })),
  };
}

/** Whether a component is shipped does not depend on what npm installs it for. */
function withoutDevelopment({ properties = [], ...component }) {
  return { ...component, scope: 'required', properties: properties.filter(({ name }) => name !== 'cdx:npm:package:development') };
}

function componentOf({ name, version, license }) {
  return {
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    scope: 'required',
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    // https://github.com/CycloneDX/cyclonedx-property-taxonomy/blob/main/cdx/npm.md: it came within another package.
    properties: [{ name: 'cdx:npm:package:bundled', value: 'true' }],
    licenses: [{ license: { id: license } }],
  };
}

/** What a component depends on among those that are listed, directly or through others that are not. */
function reached(ref, next, refs, seen = new Set([ref])) {
  const found = new Set();
  for (const each of next.get(ref) ?? []) {
    if (seen.has(each)) continue;
    seen.add(each);
    if (refs.has(each)) found.add(each);
    else for (const further of reached(each, next, refs, seen)) found.add(further);
  }
  return found;
}

function main() {
  const { stdout, stderr, status } = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) {
    process.stderr.write(stderr);
    process.exitCode = 1;
    return;
  }
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  process.stdout.write(`${JSON.stringify(shipped(JSON.parse(stdout), manifest, shippedPackages()), null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
