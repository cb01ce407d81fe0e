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
    const verdict = (text: string, ...shipped: string[]) => auditVerdict(text, { packages }, new Set(['qs@1.0.0', ...shipped]));
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

  test('are in the bill of materials if they are shipped, whatever they are installed for, under the name of the package', () => {
    const manifest = { name: 'gateway', version: '1.0.0', dependencies: { a: '1.0.0' } };
    const development = { name: 'cdx:npm:package:development', value: 'true' };
    const license = (id: string) => ({ licenses: [{ license: { id } }] });
    const a = { 'bom-ref': 'a', name: 'a', version: '1.0.0', scope: 'required', properties: [], ...license('MIT') };
    const tool = { 'bom-ref': 'tool', name: 'tool', version: '2.0.0', scope: 'required', properties: [], ...license('MIT') };
    const page = { 'bom-ref': 'page', name: '@b/page', version: '3.0.0', scope: 'optional', properties: [development], ...license('ISC') };
    const installed = {
      bomFormat: 'CycloneDX',
      metadata: { component: { 'bom-ref': 'root', name: 'checkout', version: '1.0.0' } },
      components: [a, tool, page],
      dependencies: [
        { ref: 'root', dependsOn: ['a', 'tool'] },
        { ref: 'a', dependsOn: [] },
        { ref: 'tool', dependsOn: ['page', 'root'] },
        { ref: 'page' },
      ],
    };
    const packages = [
      { name: 'a', version: '1.0.0', license: 'MIT' },
      { name: '@b/page', version: '3.0.0', license: 'ISC' },
      { name: '@c/within', version: '4.0.0', license: 'MIT' },
    ];
    const bill = shipped(installed, manifest, packages);
    expect(billComplaints(bill, manifest, packages)).toEqual([]);
    expect(bill.metadata.component).toEqual({ 'bom-ref': 'root', name: 'gateway', version: '1.0.0' });
    expect(bill.components).toMatchObject([
      a,
      { ...page, scope: 'required', properties: [] },
      { name: '@c/within', version: '4.0.0', purl: 'pkg:npm/%40c/within@4.0.0', ...license('MIT') },
    ]);
    expect(bill.dependencies).toEqual([
      { ref: 'root', dependsOn: ['a', 'page'] },
      { ref: 'a', dependsOn: [] },
      { ref: 'page', dependsOn: [] },
    ]);
    expect(billComplaints(installed, manifest, packages.slice(0, 2))).toEqual([
      'it is of checkout@1.0.0',
      'tool@2.0.0 is in the bill of materials and is not shipped',
    ]);
    expect(billComplaints({ ...bill, components: bill.components.slice(1) }, manifest, packages)).toEqual([
      'a@1.0.0 is missing from the bill of materials',
    ]);
    expect(billComplaints({ ...bill, components: [{ ...a, licenses: [] }] }, manifest, [packages[0]])).toEqual([
      'a@1.0.0 has no license in the bill of materials',
    ]);
    expect(billComplaints(bill, { ...manifest, dependencies: { gone: '1.0.0' } }, packages)).toEqual([
      'gone@1.0.0 is a dependency and is not shipped',
    ]);
    expect(billComplaints({}, manifest, [])).toContain('it is not CycloneDX');
  });
});
