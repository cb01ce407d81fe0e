import type { Mapping } from '../../../prisma/client/client.ts';
import type { StatusReport } from '../../domain/messages/status-reports.ts';
import type { WritingPartner } from './begin.ts';

/** One attempt to deliver a message. */
export interface Attempt {
  readonly lane: string;
  /** When the first attempt with an unknown outcome started; `null` if there is none. */
  readonly unknownSince: Date | null;
  /**
   * Checks that the message may still be delivered.
   * @returns the mapping to deliver it through
   * @throws DeliveryError as src/exchange/outbox/refusals.ts has it
   */
  requireDeliverable(): Mapping;
  /**
   * Records that the request is about to leave, and who writes to the Teams user. Marks the message as possibly duplicated if the outcome of an earlier
   * attempt is unknown. Await it right before sending.
   */
  markStarted(partner?: WritingPartner): Promise<void>;
}

/** The result of a successful delivery. */
export interface Delivered {
  readonly report: StatusReport;
  /** How long the lane's next message has to wait for the platform's limits, in ms. */
  readonly pauseMs?: number;
}
