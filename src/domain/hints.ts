/**
 * Told after a commit, so that who waits for the change looks at once. A hint may be lost: each waiting side looks by a timer too.
 */
export interface Hints {
  /** Something was put into the outbox. */
  readonly queued: () => void;
  /** An event was appended to the organization's log. */
  readonly appended: (organizationSid: string) => void;
}
