// Prints the bill of materials (CycloneDX) of what is shipped. `npm sbom --omit dev` also omits packages that both the gateway and a development tool
// depend on, graphql among them, so this script takes the whole bill and removes the packages that only development needs. Those that the console's page
// contains are installed for development, too, and stay.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { PACKAGES } from '../console.config.mjs';

/** The packages that the console's page contains, as `<name>@<version>`, by its last build. */
export const inConsole = () => new Set(JSON.parse(readFileSync(PACKAGES, 'utf8')));

/** Names a component of a bill as `<name>@<version>`. */
export const nameOfComponent = ({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`;

/** Removes the packages that npm marks as needed for development only, except those that are bundled. */
export function shipped(bill, bundled) {
  const isForDevelopment = (component) =>
    !bundled.has(nameOfComponent(component)) &&
    (component.properties ?? []).some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
  const left = new Set(bill.components.filter(isForDevelopment).map((component) => component['bom-ref']));
  return {
    ...bill,
    components: bill.components.filter((component) => !left.has(component['bom-ref'])),
    dependencies: bill.dependencies
      .filter(({ ref }) => !left.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => !left.has(one)) })),
  };
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
  process.stdout.write(`${JSON.stringify(shipped(JSON.parse(stdout), inConsole()), null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
