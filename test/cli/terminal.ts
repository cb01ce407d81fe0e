import { randomBytes } from 'node:crypto';
import type { Terminal } from '../../src/cli/session.ts';
import type { TestPlace } from '../support/database.ts';

export interface TestTerminal extends Terminal {
  /** What was printed and complained since it was last asked. */
  output(): { printed: string; complained: string };
}

/** A terminal whose commands work on the database at `place`. */
export function createTestTerminal({ settings }: TestPlace): TestTerminal {
  let printed = '';
  let complained = '';
  return {
    env: {
      DATA_DIR: settings.dataDir,
      DATABASE_URL: settings.databaseUrl,
      SECRETS_KEY: randomBytes(32).toString('base64'),
      LOG_LEVEL: 'silent',
    },
    print: (text) => {
      printed += `${text}\n`;
    },
    printError: (text) => {
      complained += `${text}\n`;
    },
    output: () => {
      const output = { printed, complained };
      printed = '';
      complained = '';
      return output;
    },
  };
}
