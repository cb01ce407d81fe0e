// What is demanded of the dependencies: exact versions in package.json and a lock that says the same, no known hole of severity high or above in
// what is shipped, and a bill of materials that names all of it. Without a registry to ask, the audit says so and lets it pass.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const KINDS = ['dependencies', 'devDependencies'];

/** What is wrong with the versions. @returns complaints */
export function versionComplaints(manifest, lock) {
  return KINDS.flatMap((kind) => {
    const locked = lock.packages['']?.[kind] ?? {};
    const own = manifest[kind] ?? {};
    return [...new Set([...Object.keys(own), ...Object.keys(locked)])].flatMap((name) => [
      ...(own[name] !== undefined && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(own[name]) ? [`${name} ${own[name]} is no exact version`] : []),
      ...(own[name] !== locked[name] ? [`package.json has ${name} ${own[name]}, the lock ${locked[name]}`] : []),
      ...(own[name] !== undefined && lock.packages[`node_modules/${name}`]?.version !== own[name]
        ? [`${name} ${own[name]} is not what is locked`]
        : []),
    ]);
  }).concat(
    Object.entries(lock.packages).flatMap(([path, { integrity, link }]) =>
      path === '' || link || integrity ? [] : [`${path} has no integrity in the lock`],
    ),
  );
}

/** What `npm audit --json` said. `unknown`: it could not ask. */
export function auditVerdict(text) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return { outcome: 'unknown', message: 'npm audit gave no report' };
  }
  const found = report.metadata?.vulnerabilities;
  if (!found) return { outcome: 'unknown', message: report.message ?? report.error?.summary ?? 'npm audit gave no report' };
  const grave = found.high + found.critical;
  if (grave === 0) return { outcome: 'passed', message: 'no known hole of severity high or above' };
  const names = Object.values(report.vulnerabilities ?? {}).filter(({ severity }) => severity === 'high' || severity === 'critical');
  return { outcome: 'failed', message: `${grave} holes of severity high or above: ${names.map(({ name }) => name).join(', ')}` };
}

/** What a bill of materials (CycloneDX) lacks of what the lock has for the product, or has too much. @returns complaints */
export function billComplaints(bill, lock) {
  const names = new Set((bill.components ?? []).map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`));
  const locked = Object.entries(lock.packages).filter(([path, { link }]) => path !== '' && !link);
  const named = ([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`;
  const shipped = new Set(
    locked.filter(([, { dev, optional, devOptional, peer }]) => !(dev || optional || devOptional || peer)).map(named),
  );
  const development = locked
    .filter(([, { dev }]) => dev)
    .map(named)
    .filter((name) => !shipped.has(name));
  return [
    ...(bill.bomFormat === 'CycloneDX' ? [] : ['it is not CycloneDX']),
    ...[...shipped].flatMap((name) => (names.has(name) ? [] : [`${name} is missing in the bill of materials`])),
    ...development.flatMap((name) => (names.has(name) ? [`${name} is in the bill of materials and is not shipped`] : [])),
  ];
}

function npm(...args) {
  return spawnSync('npm', args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }).stdout ?? '';
}

function main() {
  const [manifest, lock] = ['package.json', 'package-lock.json'].map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const complaints = versionComplaints(manifest, lock);
  const audit = auditVerdict(npm('audit', '--omit=dev', '--audit-level=high', '--json', '--fetch-retries=0', '--fetch-timeout=15000'));
  console.log(`npm audit: ${audit.outcome}${audit.outcome === 'unknown' ? ', the registry can not be asked' : ''} (${audit.message})`);
  if (audit.outcome === 'failed') complaints.push(audit.message);
  complaints.push(...billComplaints(JSON.parse(npm('run', '--silent', 'sbom') || '{}'), lock));
  for (const complaint of complaints) console.error(complaint);
  process.exitCode = complaints.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
