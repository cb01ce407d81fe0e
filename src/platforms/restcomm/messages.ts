import { DeliveryError } from '../delivery-error.ts';
import { jsonOf, NoResponseError, type PlatformResponse, retryAfterMs } from '../request.ts';
import { itemsOf } from './pages.ts';
import type { RestcommApi } from './request.ts';
import { digitsOf, fieldOf, isSuccess, manage, refusalOf, unreadableError } from './responses.ts';
import type { Restcomm, SmsRecord } from './restcomm.ts';

type Messages = Pick<Restcomm, 'sendSms' | 'findSms' | 'listSms'>;

const DAY_MS = 86_400_000;

/** Sends and reads the account's messages, by Restcomm's SMS/Messages. */
export function createRestcommMessages(api: RestcommApi, accountSid: string): Messages {
  const path = ['Accounts', accountSid, 'SMS', 'Messages'];
  return {
    sendSms: async ({ from, to, body, encoding, statusCallback }) => {
      const form = { From: from, To: to, Body: body, StatusCallback: statusCallback };
      // Restcomm's default encoding is GSM.
      const response = await api('POST', path, { form: encoding === 'UCS_2' ? { ...form, Encoding: 'UCS-2' } : form }).catch((error) => {
        throw error instanceof NoResponseError ? noResponseError(error) : error;
      });
      if (!isSuccess(response)) throw notAcceptedError(response);
      const record = recordOf(jsonOf(response.text));
      if (!record) throw new DeliveryError('unknown', 'UNREADABLE_ANSWER', 'Restcomm sent an unreadable response');
      return record;
    },

    findSms: async (sid) => {
      const response = await manage(api, 'GET', [...path, sid], { expected: [404] });
      if (response.status === 404) return undefined;
      const record = recordOf(jsonOf(response.text));
      if (!record) throw unreadableError(response);
      return record;
    },

    /**
     * Restcomm's filters are coarse, so the results are filtered again: From and To match by their endings, and StartTime is a day in
     * Restcomm's own time zone. Its dates are whole seconds; a message of the same second as `since` is included.
     */
    listSms: async ({ from, to, since }) => {
      const query: Record<string, string> = { StartTime: new Date(since.getTime() - DAY_MS).toISOString().slice(0, 10) };
      if (from) query.From = digitsOf(from);
      if (to) query.To = digitsOf(to);
      const second = Math.floor(since.getTime() / 1000) * 1000;
      const found = new Map<string, SmsRecord>();
      // A message that arrives meanwhile shifts the others, so one may be on two pages.
      for await (const item of itemsOf(api, path, 'messages', query)) {
        const record = recordOf(item);
        if (!record) continue;
        if (from && digitsOf(record.from) !== digitsOf(from)) continue;
        if (to && digitsOf(record.to) !== digitsOf(to)) continue;
        if (record.dateCreated && record.dateCreated.getTime() < second) continue;
        found.set(record.sid, record);
      }
      return [...found.values()];
    },
  };
}

/** @returns `undefined` if it is not a message. Restcomm's records have no media: only the webhook carries them. */
function recordOf(json: unknown): SmsRecord | undefined {
  const sid = fieldOf(json, 'sid');
  const status = fieldOf(json, 'status');
  if (!sid || !status) return undefined;
  const created = Date.parse(fieldOf(json, 'date_created') ?? '');
  return {
    sid,
    from: fieldOf(json, 'from') ?? '',
    to: fieldOf(json, 'to') ?? '',
    body: bodyOf(json),
    status,
    errorCode: fieldOf(json, 'error_code'),
    direction: fieldOf(json, 'direction'),
    dateCreated: Number.isNaN(created) ? undefined : new Date(created),
    mediaUrls: [],
  };
}

/** Reads the text as it is: a text may be the word null. */
function bodyOf(json: unknown): string {
  const { body } = Object(json) as Record<string, unknown>;
  return typeof body === 'string' ? body : '';
}

function noResponseError(error: NoResponseError): DeliveryError {
  return error.sent
    ? new DeliveryError('unknown', 'NO_ANSWER', 'Restcomm did not respond', undefined, { cause: error })
    : new DeliveryError('retry', 'UNREACHABLE', 'Restcomm cannot be reached', undefined, { cause: error });
}

/**
 * A 5xx other than 503 is not a refusal: Restcomm stores a message before it passes it on, and may fail after either; a proxy may time out. A
 * 401 says nothing about the message: most likely the gateway's own token was changed, and messages wait until it has the new one.
 */
function notAcceptedError(response: PlatformResponse): DeliveryError {
  const { status } = response;
  const { code, message } = refusalOf(response);
  // Always the same code, whatever the response says: operators alert on it.
  if (status === 401) return new DeliveryError('retry', 'HTTP_401', message, retryAfterMs(response));
  if (status === 408 || status === 429 || status === 503) return new DeliveryError('retry', code, message, retryAfterMs(response));
  return new DeliveryError(status >= 500 ? 'unknown' : 'refused', code, message);
}
