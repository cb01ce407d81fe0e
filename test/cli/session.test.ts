import { expect, test } from 'vitest';
import { exitCodeOf, type Terminal } from '../../src/cli/session.ts';

function run(error: Error, env: Terminal['env'] = {}) {
  const complained: string[] = [];
  const terminal: Terminal = { env, print: () => {}, printError: (text) => complained.push(text) };
  return exitCodeOf(terminal, async () => {
    throw error;
  }).then((code) => ({ code, complained }));
}

test('an error that nobody expected is a sentence, and a stack on demand', async () => {
  const error = new Error('\nInvalid `prisma.account.findMany()` invocation:\n\n\nThe table `public.account` does not exist.');
  expect(await run(error)).toEqual({
    code: 1,
    complained: [
      'An unexpected error: The table `public.account` does not exist.\nRun it again with LOG_LEVEL=debug to see where it occurs.',
    ],
  });
  expect((await run(error, { LOG_LEVEL: ' debug' })).complained[0]).toContain('    at ');
  expect((await run(new TypeError())).complained[0]).toContain('An unexpected error: TypeError\n');
});
