import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const directory = fileURLToPath(new URL('.', import.meta.url));
const run = (name: string, ...args: string[]) => promisify(execFile)(`${directory}node_modules/.bin/${name}`, args, { cwd: directory });

/** Runs the clients' compilers on the schema, as their users do before they build: the tests import what they generate. */
export default async function setup(): Promise<void> {
  await Promise.all([
    run('relay-compiler', 'relay.config.json'),
    run('graphql-codegen', '--config', 'codegen/codegen.ts'),
    run('gql.tada', 'generate-output'),
  ]);
}
