// Prints the bill of materials (CycloneDX) of what is shipped. `npm sbom --omit dev` also omits packages that both the gateway and a development tool
// depend on, graphql among them, so this script takes the whole bill and removes the packages that only development needs.
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** Removes the packages that npm marks as needed for development only. */
export function shipped(bill) {
  const isForDevelopment = ({ properties = [] }) =>
    properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
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
  process.stdout.write(`${JSON.stringify(shipped(JSON.parse(stdout)), null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
