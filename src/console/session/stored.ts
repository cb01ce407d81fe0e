import { VIEWER } from './viewer.ts';

const STORED = 'console.session';

/** What ends at a time, in ms since 1970. */
interface Ending {
  readonly expires: number;
}

/** The id of the document that a session's viewer is the answer to. Another version of the console may ask for something else. */
const { documentId } = VIEWER as unknown as { readonly documentId: string };

/** The session in this tab's storage, unless it has ended, or is not one of this version. */
export function storedSession<Session extends Ending>(): Session | undefined {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(STORED) ?? 'null') as (Session & { readonly documentId: string }) | null;
    return kept && kept.documentId === documentId && kept.expires > Date.now() ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there is one, ended or not. */
export const isStored = (): boolean => window.sessionStorage.getItem(STORED) !== null;

export const storeSession = (session: Ending): void => window.sessionStorage.setItem(STORED, JSON.stringify({ ...session, documentId }));

export const forgetStored = (): void => window.sessionStorage.removeItem(STORED);
