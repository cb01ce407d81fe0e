/** Wakes the parts that wait for a change, after its commit. A hint may be lost: every waiting part also polls. */
export interface Hints {
  /** Says that a message entered the outbox. */
  readonly queued: () => void;
  /** Says that an event was appended to the organization's log. */
  readonly appended: (organizationSid: string) => void;
}
