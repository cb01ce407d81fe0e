import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run by CI without a build
import { auditVerdict, billComplaints, scriptComplaints, versionComplaints } from '../.ci/dependencies.mjs';
// @ts-expect-error: as above
import { shipped } from '../.ci/sbom.mjs';
import { packageRoot } from '../src/database/package-root.ts';

const read = (file: string) => JSON.parse(readFileSync(join(packageRoot(), file), 'utf8'));
const [manifest, lock] = [read('package.json'), read('package-lock.json')];
const report = (severity: string, ...nodes: string[]) =>
  JSON.stringify({ metadata: { vulnerabilities: {} }, vulnerabilities: { qs: { name: 'qs', severity, nodes } } });

describe('the dependencies', () => {
  test('have exact versions, the same as in the lock file', () => {
    expect(versionComplaints(manifest, lock)).toEqual([]);
  });

  test('of test/clients/ have exact versions, too, and run no script', () => {
    const [clients, clientsLock] = [read('test/clients/package.json'), read('test/clients/package-lock.json')];
    expect([...versionComplaints(clients, clientsLock), ...scriptComplaints(clients, clientsLock)]).toEqual([]);
  });

  test.each([['^4.0.0'], ['~4.0.0'], ['latest'], ['>=1'], ['git+https://example.com/pino.git']])('are refused at %s', (version) => {
    const loose = { ...manifest, dependencies: { ...manifest.dependencies, pino: version } };
    expect(versionComplaints(loose, lock)).toContain(`pino ${version} is no exact version`);
  });

  test('are refused if the lock file has another version, or no integrity hash', () => {
    const packages = { ...lock.packages, 'node_modules/pino': { version: '1.0.0' } };
    expect(versionComplaints(manifest, { ...lock, packages })).toEqual([
      `pino ${manifest.dependencies.pino} is not what is locked`,
      'node_modules/pino has no integrity in the lock',
    ]);
  });

  test('run no script at installation', () => {
    expect(scriptComplaints(manifest, lock)).toEqual([]);
    const packages = { 'node_modules/a': { hasInstallScript: true }, 'node_modules/a/node_modules/@b/c': { hasInstallScript: true } };
    expect(scriptComplaints({ allowScripts: { a: false, '@b/c': false } }, { packages })).toEqual([]);
    expect(scriptComplaints({ allowScripts: { a: false, '@b/c': true, d: false } }, { packages })).toEqual([
      '@b/c has an install script that allowScripts does not deny',
      'allowScripts has d, which has no install script',
    ]);
    expect(scriptComplaints({}, { packages })).toHaveLength(2);
  });

  test('fail the run if a vulnerability of severity high or above is known of what is shipped, and only then', () => {
    const packages = { 'node_modules/qs': { version: '1.0.0' }, 'node_modules/a/node_modules/qs': { version: '2.0.0', dev: true } };
    const verdict = (text: string, ...bundled: string[]) => auditVerdict(text, { packages }, new Set(bundled));
    expect(verdict(report('high', 'node_modules/qs'))).toMatchObject({ outcome: 'failed', message: expect.stringContaining('qs') });
    expect(verdict(report('critical', 'node_modules/qs')).outcome).toBe('failed');
    expect(verdict(report('moderate', 'node_modules/qs')).outcome).toBe('passed');
    const inDevelopment = report('high', 'node_modules/a/node_modules/qs');
    expect(verdict(inDevelopment).outcome).toBe('passed');
    expect(verdict(inDevelopment, 'qs@2.0.0').outcome).toBe('failed');
  });

  test('let the run pass, with a message, if the registry cannot be reached or has no audit', () => {
    for (const text of [
      '',
      'npm error',
      '{"message":"405 Method Not Allowed","statusCode":405}',
      '{"error":{"code":"ENOTFOUND","summary":"x"}}',
    ])
      expect(auditVerdict(text, lock, new Set()).outcome).toBe('unknown');
  });

  test('are all in the bill of materials, those that the console contains, too', () => {
    const packages = {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/@b/c': { version: '2.0.0' },
      'node_modules/d': { version: '3.0.0', dev: true },
    };
    const development = [{ name: 'cdx:npm:package:development', value: 'true' }];
    const [a, bc, d] = [
      { 'bom-ref': 'a', name: 'a', version: '1.0.0', properties: [] },
      { 'bom-ref': 'bc', group: '@b', name: 'c', version: '2.0.0' },
      { 'bom-ref': 'd', name: 'd', version: '3.0.0', properties: development },
    ];
    const bill = (...components: object[]) => ({
      bomFormat: 'CycloneDX',
      components,
      dependencies: [{ ref: 'a', dependsOn: ['d', 'bc'] }, { ref: 'd' }],
    });
    const complaints = (given: object, ...bundled: string[]) => billComplaints(given, { packages }, new Set(bundled));
    expect(complaints(bill(a, bc))).toEqual([]);
    expect(complaints(bill(a))).toEqual(['@b/c@2.0.0 is missing from the bill of materials']);
    expect(complaints(bill(a, bc, d))).toEqual(['d@3.0.0 is in the bill of materials and is not shipped']);
    expect(complaints(bill(a, bc, d), 'd@3.0.0')).toEqual([]);
    expect(complaints(bill(a, bc), 'd@3.0.0')).toEqual(['d@3.0.0 is missing from the bill of materials']);
    expect(complaints({})).toContain('it is not CycloneDX');
    expect(shipped(bill(a, bc, d), new Set(['d@3.0.0']))).toMatchObject({ components: [a, bc, d] });
    expect(shipped(bill(a, bc, d), new Set())).toEqual({ ...bill(a, bc), dependencies: [{ ref: 'a', dependsOn: ['bc'] }] });
  });
});
