import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ClientsGateway } from './gateway.ts';

// The configurations of examples/, as their READMEs tell to use them, in a project that has nothing else.

const here = fileURLToPath(new URL('.', import.meta.url));
const run = (file: string, args: readonly string[], cwd: string) => promisify(execFile)(file, args, { cwd });

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

/** A frontend's project with the files of an example and one module. The gateway's default address is changed to that of the test's. */
async function project(example: string, module: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `${example}-`));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await cp(new URL(`../../examples/${example}`, import.meta.url), directory, { recursive: true });
  for (const file of ['README.md', example === 'codegen' ? 'codegen.json' : 'relay.config.json']) {
    const text = await readFile(join(directory, file), 'utf8');
    await writeFile(join(directory, file), text.replaceAll('http://127.0.0.1:4000', gateway.url));
  }
  // What its `npm install` brings.
  await symlink(join(here, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  await cp(join(here, 'configurations', module), join(directory, 'src', module));
  const compilerOptions = {
    ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler', strict: true, noEmit: true, skipLibCheck: true },
    ...{ isolatedModules: true, verbatimModuleSyntax: true, allowImportingTsExtensions: true, types: [] },
  };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  return directory;
}

/** Runs the commands of a README but its installation. */
async function follow(directory: string): Promise<void> {
  const [, commands] = /```sh\n([\s\S]*?)```/.exec(await readFile(join(directory, 'README.md'), 'utf8')) ?? [];
  const lines = String(commands).trim().split('\n');
  expect(lines[0]).toMatch(/^npm install --save-dev /);
  for (const line of lines.slice(1)) await run('sh', ['-c', line], directory);
}

describe.each([
  ['codegen', 'list-with-codegen.ts'],
  ['relay', 'list-with-relay.ts'],
])('the configuration in examples/%s', (example, module) => {
  test('compiles a document, by the commands of its README, to types that TypeScript accepts', async () => {
    const directory = await project(example, module);
    await follow(directory);
    const checked = run(join(here, 'node_modules/.bin/tsc'), ['--project', '.'], directory);
    expect(await checked.catch(({ stdout }) => ({ stdout }))).toMatchObject({ stdout: '' });
  });
});
