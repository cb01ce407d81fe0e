import { CurableError, DeliveryError, type DeliveryOutcome } from '../delivery-error.ts';

// What Restcomm's refusals to take an SMS mean. docs/exchange.md has the table with the source of each row, and a test compares the two.

type RestcommOutcome = Exclude<DeliveryOutcome, 'curable'> | { readonly waitsFor: 'CARRIER_ACCOUNT' };

const OF_ACCOUNT = { waitsFor: 'CARRIER_ACCOUNT' } as const;

/**
 * By status. The curable ones say nothing about the message: of the gateway's own account the token was changed, or it is suspended, or there is no
 * such API at RESTCOMM_URL. Of other statuses those below 400 are curable, 4xx final and 5xx unknown.
 */
export const SENDING_STATUSES: Readonly<Record<number, RestcommOutcome>> = {
  401: OF_ACCOUNT,
  402: OF_ACCOUNT,
  403: OF_ACCOUNT,
  404: OF_ACCOUNT,
  405: OF_ACCOUNT,
  408: 'unknown',
  421: 'retry',
  425: 'retry',
  429: 'retry',
};

/** By the code of a 4xx, whatever its status. These errors are not about the message either. SMS_LIMIT_EXCEEDED is an extension's limit. */
export const SENDING_CODES: Readonly<Record<string, RestcommOutcome>> = {
  SMS_LIMIT_EXCEEDED: 'retry',
  30001: 'retry',
  21611: 'retry',
  30002: OF_ACCOUNT,
  20003: OF_ACCOUNT,
  20005: OF_ACCOUNT,
};

/**
 * Other numbers, which are the message's own errors: MessageError's and those of carriers behind Restcomm. Those that begin with 20 are about the API, as
 * 20404 (https://www.twilio.com/docs/api/errors), and numbers of another length are a proxy's.
 */
const OF_MESSAGE = /^(?!20)[0-9]{5}$/;

/** What MariaDB and HSQLDB say of a record that they do not take. */
const NOT_STORED = /data too long|data truncation|right truncation|incorrect string value/i;

/**
 * Classifies a refusal to take an SMS. A 408 and a 5xx are none: Restcomm stores a message before it passes it on, and may fail after either; a
 * proxy may time out, or lose the server that it has passed the request on to. Only where Restcomm's database did not take the text is nothing sent: the
 * exception comes from addSmsMessage, and its message is the answer (issue 1642).
 * @param refusal as of `refusalOf`
 * @param text the whole answer
 */
export function sendingError(
  status: number,
  { code, message }: { readonly code: string; readonly message: string },
  text: string,
  retryAfterMs: number | undefined,
): DeliveryError {
  const byCode = status >= 400 && status < 500 && Object.hasOwn(SENDING_CODES, code) ? SENDING_CODES[code] : undefined;
  if (status === 500 && NOT_STORED.test(text)) return new DeliveryError('refused', code, 'Restcomm cannot store the text');
  const meaning = byCode ?? meaningOf(status);
  if (typeof meaning !== 'object') return new DeliveryError(meaning, code, message, meaning === 'refused' ? undefined : retryAfterMs);
  if (!byCode && status >= 400 && OF_MESSAGE.test(code)) return new DeliveryError('refused', code, message);
  // Always the same code, whatever the response says: operators alert on it.
  return new CurableError(meaning.waitsFor, `HTTP_${status}`, message, retryAfterMs);
}

function meaningOf(status: number): RestcommOutcome {
  const known = SENDING_STATUSES[status];
  if (known) return known;
  if (status < 400) return OF_ACCOUNT;
  return status < 500 ? 'refused' : 'unknown';
}
