import { defineConfig } from 'vitest/config';

// Run by `npm run test:clients`, which installs the clients first. The suite of `npm test` leaves them out.
export default defineConfig({
  test: {
    globalSetup: ['test/clients/generate.ts'],
    include: ['test/clients/**/*.test.ts'],
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
