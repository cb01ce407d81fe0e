import type { ChannelStatus, Message, MessageDirection } from '../../prisma/client/client.ts';

/** One event of an organization's log, with the fields of its message that filters test. */
export interface LoggedEvent {
  readonly seq: bigint;
  readonly messageSid: string;
  readonly status: ChannelStatus;
  readonly previousStatus: ChannelStatus | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly occurredAt: Date;
  readonly enterpriseSid: string;
  readonly mappingSid: string | null;
  readonly direction: MessageDirection;
}

/** An event, and its message as it was when the event was read. */
export type EventWithMessage = LoggedEvent & { readonly message: Message };
