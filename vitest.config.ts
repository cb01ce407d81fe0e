import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They take longest. If one of them came last, one of the cores would have nothing to do meanwhile. */
const LONG = [
  ...['parity/list-plans', 'console/day', 'console/look', 'exchange/teams/playground', 'process/crash', 'process/frozen', 'live/history'],
  ...['exchange/outbox/outbox', 'exchange/teams/whom-a-text-is-for', 'security/canaries'],
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(`/${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

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
    exclude: [...configDefaults.exclude, 'test/clients/**', ...(process.env.TEST_DATABASE_URL ? EMBEDDED_ANYWAY : [])],
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
