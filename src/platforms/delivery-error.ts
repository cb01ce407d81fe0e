/**
 * - `refused`: final; the platform will never accept this message
 * - `curable`: not accepted, until somebody removes the cause; the message waits
 * - `retry`: not accepted now; may be sent again
 * - `unknown`: the request left, and the message may or may not have been accepted
 *
 * docs/exchange.md lists what is what.
 */
export type DeliveryOutcome = 'refused' | 'curable' | 'retry' | 'unknown';

/** What keeps messages waiting. src/domain/waiting.ts says what removes each cause. */
type HoldReason =
  | 'BOT_MISSING'
  | 'BOT_CREDENTIALS'
  | 'BOT_NOT_REGISTERED'
  | 'BOT_BLOCKED'
  | 'GRAPH_PERMISSION'
  | 'SERVICE_URL'
  | 'APP_NOT_INSTALLED'
  | 'USER_UNKNOWN'
  | 'ENTERPRISE_INACTIVE'
  | 'ACCOUNT_SUSPENDED'
  | 'CARRIER_ACCOUNT'
  | 'RETRIES_EXHAUSTED';

/** A failed delivery. Its `code` and `message` become the message's channelErrorCode and channelErrorMessage. */
export class DeliveryError extends Error {
  override readonly name: string = 'DeliveryError';

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

/** A refusal that somebody can remove the cause of. Messages wait for that, in order. */
export class CurableError extends DeliveryError {
  override readonly name = 'CurableError';

  constructor(
    readonly reason: Exclude<HoldReason, 'RETRIES_EXHAUSTED'>,
    code: string,
    message: string,
    retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super('curable', code, message, retryAfterMs, options);
  }
}

/** The conversation is no longer the one to post to. The message was not accepted; open the conversation again and post it there. */
export class StaleConversationError extends DeliveryError {
  override readonly name = 'StaleConversationError';

  /**
   * @param otherwise the failure, if opening the conversation again is no use
   * @param serviceUrl the connector to open it at; absent for the one it was opened at
   */
  constructor(
    readonly otherwise: DeliveryError,
    readonly serviceUrl?: string,
  ) {
    super(otherwise.outcome, otherwise.code, otherwise.message, otherwise.retryAfterMs);
  }
}

/** The platform's limits, or its Retry-After, do not allow the request yet. Nothing was sent. */
export class NotYetError extends Error {
  override readonly name = 'NotYetError';

  /** @param waitMs how long to wait, in ms */
  constructor(readonly waitMs: number) {
    super(`The request has to wait for ${Math.ceil(waitMs)} ms.`);
  }
}
