/**
 * - `refused`: final; the platform will never accept this message
 * - `retry`: not accepted now; may be sent again
 * - `unknown`: the request left and no response came; the message may or may not have been accepted
 */
type DeliveryOutcome = 'refused' | 'retry' | 'unknown';

/** A failed delivery. Its `code` and `message` become the message's channelErrorCode and channelErrorMessage. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';

  /**
   * @param code the platform's own code, e.g. `30003` or `ConversationBlockedByUser`
   * @param retryAfterMs how long the platform asks to wait, in ms
   */
  constructor(
    readonly outcome: DeliveryOutcome,
    readonly code: string,
    message: string,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
