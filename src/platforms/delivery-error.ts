/**
 * - `refused`: final; the platform will never take this message
 * - `retry`: not taken now; may be sent again
 * - `unknown`: the request left and no answer came; it may or may not have been taken
 */
export type DeliveryOutcome = 'refused' | 'retry' | 'unknown';

/** A message that was not handed over, or not surely. `code` and `message` become the message's channelErrorCode and -Message. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';

  constructor(
    readonly outcome: DeliveryOutcome,
    /** The platform's own code, e.g. `30003` or `ConversationBlockedByUser`. */
    readonly code: string,
    message: string,
    /** How long the platform asks to wait, in ms. */
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
