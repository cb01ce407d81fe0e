import type { Caller } from '../domain/caller.ts';
import { type LogHead, type MessageEventFilter, matches, normalizeFilter } from '../domain/events/events.ts';
import type { LoggedEvent } from '../domain/logged-event.ts';

/** The events of an organization's log that a caller subscribes to. */
export interface EventSelection {
  readonly organizationSid: string;
  readonly head: LogHead;
  readonly passes: (event: LoggedEvent) => boolean;
  /** Equal for selections that pass the same events. */
  readonly key: string;
}

export function selectionOf(caller: Caller, given: MessageEventFilter, head: LogHead): EventSelection {
  const { organizationSid, enterpriseSid } = caller;
  const filter = normalizeFilter(given);
  return {
    organizationSid,
    head,
    passes: (event) => matches(filter, event) && (!enterpriseSid || enterpriseSid === event.enterpriseSid),
    key: JSON.stringify([organizationSid, head.logId, enterpriseSid, filter]),
  };
}
