import type { Terminal } from './session.ts';

/** The reader of the output may stop early: `npm run account -- list | head`. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** This process' terminal. */
export const terminal: Terminal = {
  env: process.env,
  print: (text) => process.stdout.write(`${text}\n`),
  printError: (text) => process.stderr.write(`${text}\n`),
};
