import { buildTextIndex, dropTextIndex, type TextIndexState, textIndexState } from '../../database/text-index.ts';
import { exitCodeOf, type Session, type Terminal, UsageError, withDatabase } from '../session.ts';

const USAGE = `Turns the index of messages' texts on or off. With it, messages(filter: {body: …}) finds rare texts without a time, however many messages
there are; each message costs the database more (docs/operating.md). Uses the gateway's settings.

  npm run text-index -- on        builds the index, or builds it again if that was interrupted
  npm run text-index -- off       removes it
  npm run text-index -- status    says whether it is there, and how large it is

With PostgreSQL the gateway keeps running, and uses the index as soon as it is there. The embedded database allows one process at a time, so stop the
gateway first.

Exit codes: 0 done, 1 failed, 2 invalid usage.`;

/**
 * Runs `npm run text-index`.
 * @returns the exit code, see exitCodeOf
 */
export function runTextIndex(args: readonly string[], terminal: Terminal): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const [command = '', ...more] = args;
    if (command === '--help' || command === '-h') return terminal.print(USAGE);
    const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (!run || more.length > 0) throw new UsageError(USAGE);
    terminal.print(await withDatabase(terminal, { mayCreate: false }, run));
  });
}

const STATES: Readonly<Record<TextIndexState, string>> = {
  on: 'The index of texts is on',
  off: 'The index of texts is off',
  incomplete:
    'The index of texts is incomplete, and not used: building it was interrupted. Turn it on to build it again, or off to remove it',
  busy: 'The index of texts is being built or removed',
};

const commands: Record<string, (session: Session) => Promise<string>> = {
  on: async (session) => ((await buildTextIndex(session.pool)) ? `Built. ${await status(session)}` : await status(session)),
  off: async (session) => {
    await dropTextIndex(session.pool);
    return status(session);
  },
  status: (session) => status(session),
};

async function status({ pool }: Session): Promise<string> {
  const { state, size } = await textIndexState(pool);
  return `${STATES[state]}${size && `, ${size}`}.`;
}
