// The rules for dependencies: exact versions in package.json, and the same ones in the lock; no package that runs a script when it is installed; no
// known vulnerability of severity high or above in what is shipped; a bill of materials that lists all of it. The audit passes, and says so, where the
// registry does not answer it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { nameAndVersion, shippedPackages } from '../ops/image/packages.mjs';
import { nameOfComponent } from './sbom.mjs';

const KINDS = ['dependencies', 'devDependencies'];

/** Checks that versions are exact and that the lock has them, each with an integrity. @returns complaints */
export function versionComplaints(manifest, lock) {
  return KINDS.flatMap((kind) => {
    const locked = lock.packages['']?.[kind] ?? {};
    const own = manifest[kind] ?? {};
    return [...new Set([...Object.keys(own), ...Object.keys(locked)])].flatMap((name) => [
      ...(own[name] !== undefined && !/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(own[name])
        ? [`${name} ${own[name]} is no exact version`]
        : []),
      ...(own[name] !== locked[name] ? [`package.json has ${name} ${own[name]}, the lock ${locked[name]}`] : []),
      // After the last `@`, where it is another package's: `npm:<package>@<version>`.
      ...(own[name] !== undefined && lock.packages[`node_modules/${name}`]?.version !== own[name].replace(/^npm:.+@/, '')
        ? [`${name} ${own[name]} is not what is locked`]
        : []),
    ]);
  }).concat(
    Object.entries(lock.packages).flatMap(([path, { integrity, link }]) =>
      path === '' || link || integrity ? [] : [`${path} has no integrity in the lock`],
    ),
  );
}

/** Checks that package.json denies every install script in the lock, and nothing else. @returns complaints */
export function scriptComplaints({ allowScripts = {} }, lock) {
  const packages = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = new Set(packages.map(([path]) => nameOf(path)));
  return [
    ...[...names].flatMap((name) =>
      allowScripts[name] === false ? [] : [`${name} has an install script that allowScripts does not deny`],
    ),
    ...Object.keys(allowScripts).flatMap((name) => (names.has(name) ? [] : [`allowScripts has ${name}, which has no install script`])),
  ];
}

/**
 * Judges the report of `npm audit --json` by the packages that are shipped. `unknown`: the registry gave none.
 * @param shipped these packages, as `<name>@<version>`
 */
export function auditVerdict(text, lock, shipped) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return { outcome: 'unknown', message: 'npm audit gave no report' };
  }
  if (!report.metadata?.vulnerabilities) {
    return { outcome: 'unknown', message: report.message ?? report.error?.summary ?? 'npm audit gave no report' };
  }
  const isShipped = (path) => shipped.has(`${nameOf(path)}@${lock.packages[path]?.version}`);
  const grave = Object.values(report.vulnerabilities ?? {}).filter(
    ({ severity, nodes }) => (severity === 'high' || severity === 'critical') && nodes.some(isShipped),
  );
  if (grave.length === 0) return { outcome: 'passed', message: 'no known vulnerability of severity high or above' };
  return { outcome: 'failed', message: `vulnerabilities of severity high or above: ${grave.map(({ name }) => name).join(', ')}` };
}

/**
 * Compares a bill of materials (CycloneDX) with package.json and the packages that are shipped.
 * @param packages `name` and `version` of each
 * @returns complaints
 */
export function billComplaints(bill, manifest, packages) {
  const root = bill.metadata?.component ?? {};
  const listed = new Map((bill.components ?? []).map((component) => [nameOfComponent(component), component]));
  const shipped = new Set(packages.map(nameAndVersion));
  return [
    ...(bill.bomFormat === 'CycloneDX' ? [] : ['it is not CycloneDX']),
    ...(root.name === manifest.name && root.version === manifest.version ? [] : [`it is of ${nameAndVersion(root)}`]),
    ...Object.entries(manifest.dependencies).flatMap(([name, version]) =>
      shipped.has(`${name}@${version}`) ? [] : [`${name}@${version} is a dependency and is not shipped`],
    ),
    ...[...shipped].flatMap((name) => (listed.has(name) ? [] : [`${name} is missing from the bill of materials`])),
    ...[...listed].flatMap(([name, { licenses = [] }]) => [
      ...(shipped.has(name) ? [] : [`${name} is in the bill of materials and is not shipped`]),
      ...(licenses.length > 0 ? [] : [`${name} has no license in the bill of materials`]),
    ]),
  ];
}

function nameOf(path) {
  return path.replace(/^.*node_modules\//, '');
}

function npm(...args) {
  return spawnSync('npm', args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }).stdout ?? '';
}

function main() {
  const [manifest, lock] = ['package.json', 'package-lock.json'].map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const complaints = [...versionComplaints(manifest, lock), ...scriptComplaints(manifest, lock)];
  const packages = shippedPackages();
  const audit = auditVerdict(
    npm('audit', '--json', '--fetch-retries=0', '--fetch-timeout=15000'),
    lock,
    new Set(packages.map(nameAndVersion)),
  );
  console.log(`npm audit: ${audit.outcome}${audit.outcome === 'unknown' ? ', the registry does not answer it' : ''} (${audit.message})`);
  if (audit.outcome === 'failed') complaints.push(audit.message);
  complaints.push(...billComplaints(JSON.parse(npm('run', '--silent', 'sbom') || '{}'), manifest, packages));
  for (const complaint of complaints) console.error(complaint);
  process.exitCode = complaints.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
