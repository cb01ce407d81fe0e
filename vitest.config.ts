import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Two copies of graphql (CommonJS and ES modules) do not recognize each other's types.
    alias: [{ find: /^graphql$/, replacement: fileURLToPath(new URL('node_modules/graphql/index.js', import.meta.url)) }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Theirs is a package of its own: `npm run test:clients`.
    exclude: [...configDefaults.exclude, 'test/clients/**'],
    globalSetup: ['test/support/global-setup.ts'],
    // A worker keeps its modules, and their compiled code, from file to file, which saves half of the processor time.
    isolate: false,
    // Two cores, and many tests wait for platforms and timers. An embedded database takes 300 MB.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
