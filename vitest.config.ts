import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They take longest. If one of them came last, one of the cores would have nothing to do meanwhile. */
const LONG = [
  ...['parity/list-plans', 'console/day', 'console/look', 'exchange/teams/playground', 'process/crash', 'process/frozen', 'live/history'],
  ...['exchange/outbox/outbox', 'exchange/teams/whom-a-text-is-for', 'security/canaries', 'process/process', 'process/upgrade'],
  ...['faults/other-postgres', 'faults/crash-of-postgres'],
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(`/${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const asking = new Map<string, boolean>();

/** Whether a file in test/ asks which database the run is on, or imports one that does: createTestDatabase, for example. */
function asksForDatabase(file: string): boolean {
  const known = asking.get(file);
  if (known !== undefined) return known;
  asking.set(file, false);
  const text = readFileSync(file, 'utf8');
  const imported = [...text.matchAll(/from '(\.[^']*)'/g)].map(([, path = '']) => join(dirname(file), path));
  const asks =
    text.includes("inject('postgres')") ||
    imported.some((path) => path.startsWith(join(ROOT, 'test/')) && existsSync(path) && asksForDatabase(path));
  asking.set(file, asks);
  return asks;
}

/** The tests of a run on PostgreSQL that would do the same as those of a run on the embedded database, so that they would only be run again. */
const sameOnAnyDatabase = () =>
  readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(ROOT, 'test', name))
    .filter((file) => file.endsWith('.test.ts') && !file.includes('/node_modules/') && !asksForDatabase(file))
    .map((file) => relative(ROOT, file));

/**
 * They start the product as a newcomer does, on its embedded database, or are about its clients, its page, Prometheus, requests to platforms, or what the
 * gateway says and logs: on PostgreSQL, they would only be run again.
 */
const EMBEDDED_ANYWAY = [
  'test/console/**',
  'test/examples/**',
  'test/exchange/teams/playground.test.ts',
  'test/process/demo*.test.ts',
  'test/process/dev.test.ts',
  'test/platforms/**',
  'test/process/metrics.test.ts',
  'test/process/release.test.ts',
  'test/security/canaries.test.ts',
];

export default defineConfig({
  resolve: {
    // Two copies of graphql (CommonJS and ES modules) do not recognize each other's types.
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(new URL('node_modules/graphql/index.js', import.meta.url)) }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Theirs is a package of its own: `npm run test:clients`.
    exclude: [
      ...configDefaults.exclude,
      'test/clients/**',
      ...(process.env.TEST_DATABASE_URL ? [...EMBEDDED_ANYWAY, ...sameOnAnyDatabase()] : []),
    ],
    globalSetup: ['test/support/global-setup.ts'],
    // A worker keeps its modules, and their compiled code, from file to file, which saves half of the processor time.
    isolate: false,
    // One more than CI has cores: many tests wait for platforms and timers. An embedded database takes 300 MB.
    maxWorkers: 3,
    // As the gateway itself (package.json): objects of one operation die young. Saves a twentieth of the processor time.
    execArgv: ['--max-semi-space-size=64'],
    sequence: { sequencer: LongFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
