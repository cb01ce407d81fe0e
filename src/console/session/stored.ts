const STORED = 'console.session';

/** What ends at a time, in ms since 1970. */
interface Ending {
  readonly expires: number;
}

/** The session in this tab's storage, unless it has ended. */
export function storedSession<Session extends Ending>(): Session | undefined {
  const text = window.sessionStorage.getItem(STORED);
  if (!text) return undefined;
  const kept = JSON.parse(text) as Session;
  return kept.expires > Date.now() ? kept : undefined;
}

/** Whether there is one, ended or not. */
export const isStored = (): boolean => window.sessionStorage.getItem(STORED) !== null;

export const storeSession = (session: Ending): void => window.sessionStorage.setItem(STORED, JSON.stringify(session));

export const forgetStored = (): void => window.sessionStorage.removeItem(STORED);
