import type { EventWithMessage } from './logged-event.ts';

/** Where messages go. */
export type Platform = 'teams' | 'carrier';

/** Notifies waiting parts of a change after its commit. A hint may be lost: every waiting part also polls. */
export interface Hints {
  /**
   * Call it when a message has entered the outbox, or when the bot has something to say.
   * @param platform where all that has entered goes to; absent if anything may have
   */
  readonly queued: (platform?: Platform) => void;
  /**
   * Call it when an event has been appended to the organization's log.
   * @param event if given, need not be read again on this instance
   */
  readonly appended: (organizationSid: string, event?: EventWithMessage) => void;
  /** Call it when the health of a bot of the organization has changed. Absent: its followers find it within a second. */
  readonly healthChanged?: (organizationSid: string) => void;
  /** Call it when apps are to be installed for users. Absent: an installer finds them within seconds. */
  readonly installable?: () => void;
  /** Call it when an import is to be checked or run. Absent: another instance finds it. */
  readonly importReady?: () => void;
}
