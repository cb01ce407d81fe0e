import { DeliveryError } from '../delivery-error.ts';
import { type Answer, NoAnswerError, retryAfterMs } from '../request.ts';
import { digitsOf, fieldOf, isTaken, jsonOf, manage, refusalOf, unreadable } from './answers.ts';
import { itemsOf } from './pages.ts';
import type { RestcommRequest } from './request.ts';
import type { Restcomm, SmsRecord } from './restcomm.ts';

type Messages = Pick<Restcomm, 'sendSms' | 'findSms' | 'listSms'>;

const DAY = 86_400_000;

/** Restcomm's SMS/Messages of the gateway's account. */
export function createRestcommMessages(ask: RestcommRequest, accountSid: string): Messages {
  const path = ['Accounts', accountSid, 'SMS', 'Messages'];
  return {
    sendSms: async ({ from, to, body, encoding, statusCallback }) => {
      const form = { From: from, To: to, Body: body, StatusCallback: statusCallback };
      // Restcomm takes GSM where it is not told otherwise.
      const answer = await ask('POST', path, { form: encoding === 'UCS_2' ? { ...form, Encoding: 'UCS-2' } : form }).catch((error) => {
        throw error instanceof NoAnswerError ? unanswered(error) : error;
      });
      if (!isTaken(answer)) throw notTaken(answer);
      const record = recordOf(jsonOf(answer.text));
      if (!record) throw new DeliveryError('unknown', 'UNREADABLE_ANSWER', 'Restcomm gave an answer that can not be read');
      return record;
    },

    findSms: async (sid) => {
      const answer = await manage(ask, 'GET', [...path, sid], { expected: [404] });
      if (answer.status === 404) return undefined;
      const record = recordOf(jsonOf(answer.text));
      if (!record) throw unreadable(answer);
      return record;
    },

    /**
     * Restcomm's filters are coarse, so the answer is sifted: numbers match by their endings, and StartTime is a day, of the platform's own
     * time zone. Its dates are whole seconds: a message of the second in which `since` lies is in.
     */
    listSms: async ({ from, to, since }) => {
      const query: Record<string, string> = { StartTime: new Date(since.getTime() - DAY).toISOString().slice(0, 10) };
      if (from) query.From = digitsOf(from);
      if (to) query.To = digitsOf(to);
      const second = Math.floor(since.getTime() / 1000) * 1000;
      const found = new Map<string, SmsRecord>();
      // A message that comes in meanwhile moves the others on: one may be on two pages.
      for await (const item of itemsOf(ask, path, 'messages', query)) {
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

/** Media have no place in Restcomm's records: they come with the webhook alone. */
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

/** Somebody may text the word null. */
function bodyOf(json: unknown): string {
  const { body } = Object(json) as Record<string, unknown>;
  return typeof body === 'string' ? body : '';
}

function unanswered(error: NoAnswerError): DeliveryError {
  return error.sent
    ? new DeliveryError('unknown', 'NO_ANSWER', 'Restcomm did not answer', undefined, { cause: error })
    : new DeliveryError('retry', 'UNREACHABLE', 'Restcomm can not be reached', undefined, { cause: error });
}

/**
 * Another 5xx than 503 is no refusal: Restcomm keeps the message before it hands it on, and may fail after either; a proxy gives up waiting. A 401 says
 * nothing of the message: most likely the gateway's own token was changed, and messages wait until it has the new one.
 */
function notTaken(answer: Answer): DeliveryError {
  const { status } = answer;
  const { code, message } = refusalOf(answer);
  // One code, whatever the answer says: operators look for it.
  if (status === 401) return new DeliveryError('retry', 'HTTP_401', message, retryAfterMs(answer));
  if (status === 408 || status === 429 || status === 503) return new DeliveryError('retry', code, message, retryAfterMs(answer));
  return new DeliveryError(status >= 500 ? 'unknown' : 'refused', code, message);
}
