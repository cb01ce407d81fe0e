import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../json.ts';

/** Where `npm run demo:teams` keeps its database, and `npm run phone` finds it. Deleted at the end. */
export const DEMO_DIRECTORY = '.data-demo';

const session = z.object({
  /** The process of `npm run demo:teams`. */
  pid: z.number(),
  gatewayUrl: z.string(),
  playgroundUrl: z.string(),
  accountSid: z.string(),
  authToken: z.string(),
  /** The number of the playground's user. */
  number: z.string(),
});

/** What `npm run phone` needs to know of the demo that runs. */
type DemoSession = z.output<typeof session>;

const fileIn = (directory: string) => join(directory, 'session.json');

/** Stores the session, for this user's eyes only: it contains the auth token. */
export function writeSession(directory: string, written: DemoSession): void {
  writeFileSync(fileIn(directory), JSON.stringify(written, undefined, 2), { mode: 0o600 });
}

/**
 * Reads the session of the demo in a directory.
 * @returns `undefined` if none runs there
 */
export function readSession(directory: string): DemoSession | undefined {
  let text: string;
  try {
    text = readFileSync(fileIn(directory), 'utf8');
  } catch {
    return undefined;
  }
  // What is no session was left by another version, or half written as its demo was killed.
  const { data: read } = session.safeParse(parseJson(text));
  return read && isRunning(read.pid) ? read : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
