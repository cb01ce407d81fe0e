import type { Bot, Enterprise, Mapping, Message } from '../../prisma/client/client.ts';
import type { StatusReport } from '../domain/messages/message-log.ts';
import type { Transaction } from '../domain/transaction.ts';

/** A message with all that its delivery depends on. */
export type Delivery = Message & { enterprise: Enterprise & { bot: Bot | null }; mapping: Mapping | null };

/** One attempt to hand a message over. */
export interface Attempt {
  /** When the first attempt began whose outcome is unknown, if there is one. */
  readonly unknownSince: Date | null;
  /** @returns the mapping that the message passes by @throws DeliveryError `refused` where it may not pass (any more) */
  admit(): Promise<Mapping>;
  /** Notes that the request leaves now. Awaited just before it does. */
  begin(): Promise<void>;
}

/** What a hand-over came to. */
export interface HandedOver {
  readonly report: StatusReport;
  /** What becomes true with it. */
  readonly along?: (tx: Transaction) => Promise<void>;
}
