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
   * @throws DeliveryError as src/exchange/refusals.ts has it
   */
  requireDeliverable(): Promise<Mapping>;
  /**
   * Records that the request is about to leave. Await it right before sending.
   * @param alongside further changes, committed together with the record
   */
  markStarted(alongside?: (tx: Transaction) => Promise<void>): Promise<void>;
}

/** The result of a successful delivery. */
export interface Delivered {
  readonly report: StatusReport;
  /** Further changes to commit together with the report. */
  readonly inSameTransaction?: (tx: Transaction) => Promise<void>;
}
