import type { Bot, Enterprise, Mapping, Message } from '../../prisma/client/client.ts';
import type { StatusReport } from '../domain/messages/message-log.ts';
import type { Transaction } from '../domain/transaction.ts';

/** A message with the rows that its delivery depends on. */
export type MessageToDeliver = Message & { enterprise: Enterprise & { bot: Bot | null }; mapping: Mapping | null };

/** One attempt to deliver a message. */
export interface Attempt {
  /** When the first attempt with an unknown outcome started; `null` if there is none. */
  readonly unknownSince: Date | null;
  /**
   * Checks that the message may still be delivered.
   * @returns the mapping to deliver it through
   * @throws DeliveryError `refused`: MAPPING_NOT_FOUND, ENTERPRISE_INACTIVE, ENTERPRISE_CLOSED, ACCOUNT_NOT_ACTIVE
   */
  requireDeliverable(): Promise<Mapping>;
  /** Records that the request is about to leave. Await it right before sending. */
  markStarted(): Promise<void>;
}

/** The result of a successful delivery. */
export interface Delivered {
  readonly report: StatusReport;
  /** Further changes to commit together with the report. */
  readonly inSameTransaction?: (tx: Transaction) => Promise<void>;
}
