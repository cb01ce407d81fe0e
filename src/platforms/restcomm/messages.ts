import { parseJson } from '../../json.ts';
import { DeliveryError } from '../delivery-error.ts';
import { NoResponseError, retryAfterMs } from '../request.ts';
import { sendingError } from './outcomes.ts';
import { pagesOf } from './pages.ts';
import type { RestcommApi, RestcommOptions } from './request.ts';
import { digitsOf, fieldOf, isSuccess, manage, refusalOf, unreadableError } from './responses.ts';
import { MAX_CHARACTERS, type Restcomm, type SmsRecord } from './restcomm.ts';

// What is said about Restcomm here is in RestComm/Restcomm-Connect at c67f1423397e, by the names of its classes and files.

type Messages = Pick<Restcomm, 'maxSms' | 'settlesMs' | 'sendSms' | 'findSms' | 'listSms' | 'listReceived'>;

/**
 * Restcomm waits up to 10 s for the session that sends an SMS (`Await.result`), and stores the record after that, whether or not the client is
 * still there (SmsMessagesEndpoint, putSmsMessage).
 */
const SETTLES_MS = 15_000;
const DAY_MS = 86_400_000;
/** A million received messages. */
const MAX_RECEIVED_PAGES = 10_000;

/** Sends and reads the account's messages, by Restcomm's SMS/Messages. */
export function createRestcommMessages(
  api: RestcommApi,
  { accountSid, settlesMs = SETTLES_MS, maxSegments }: Pick<RestcommOptions, 'accountSid' | 'settlesMs' | 'maxSegments'>,
): Messages {
  const path = ['Accounts', accountSid, 'SMS', 'Messages'];

  const pagesSince = (since: Date, filter: Record<string, string>, maxPages?: number) => readPagesSince(api, path, since, filter, maxPages);

  return {
    maxSms: { characters: MAX_CHARACTERS, segments: maxSegments },
    settlesMs,

    sendSms: async ({ from, to, body, encoding, statusCallback }) => {
      const form = { From: from, To: to, Body: body, StatusCallback: statusCallback };
      // Restcomm's default encoding is GSM.
      const request = { form: encoding === 'UCS_2' ? { ...form, Encoding: 'UCS-2' } : form, minTimeoutMs: settlesMs };
      const response = await api('POST', path, request).catch((error) => {
        throw error instanceof NoResponseError ? noResponseError(error) : error;
      });
      if (!isSuccess(response)) throw sendingError(response.status, refusalOf(response), response.text, retryAfterMs(response));
      const record = recordOf(parseJson(response.text));
      if (!record) throw new DeliveryError('unknown', 'UNREADABLE_ANSWER', 'Restcomm sent an unreadable response');
      return record;
    },

    findSms: async (sid) => {
      const response = await manage(api, 'GET', [...path, sid], { expected: [404] });
      if (response.status === 404) return undefined;
      const record = recordOf(parseJson(response.text));
      if (!record) throw unreadableError(response);
      return record;
    },

    listSms: async ({ from, to, since }) => {
      const found: SmsRecord[] = [];
      const isBetween = (record: SmsRecord) =>
        (!from || digitsOf(record.from) === digitsOf(from)) && (!to || digitsOf(record.to) === digitsOf(to));
      for await (const page of pagesSince(since, { ...(from && { From: digitsOf(from) }), ...(to && { To: digitsOf(to) }) }))
        found.push(...page.filter(isBetween));
      return found;
    },

    listReceived: async function* (since) {
      for await (const page of pagesSince(since, { Status: 'received' }, MAX_RECEIVED_PAGES))
        yield page.filter(({ direction }) => direction === 'inbound');
    },
  };
}

/**
 * Reads messages since an instant, the newest first. Restcomm's filters are coarse, so the results are filtered again: From and To match by
 * their endings, and StartTime is a day in Restcomm's own time zone (SmsMessageFilter). Its dates are whole seconds (AbstractConverter); a
 * message of the same second as `since` is included. Versions before July 2018 neither sort nor know Status (pull request 2992): the reading
 * ends early only where all pages were in order.
 */
async function* readPagesSince(
  api: RestcommApi,
  path: readonly string[],
  since: Date,
  filter: Record<string, string>,
  maxPages?: number,
): AsyncGenerator<readonly SmsRecord[]> {
  const query = { ...filter, StartTime: new Date(since.getTime() - DAY_MS).toISOString().slice(0, 10), SortBy: 'DateCreated:desc' };
  const second = Math.floor(since.getTime() / 1000) * 1000;
  // A message that arrives meanwhile shifts the others, so one may be on two pages.
  const seen = new Set<string>();
  let last = Number.POSITIVE_INFINITY;
  let isSorted = true;
  for await (const page of pagesOf(api, path, 'messages', query, maxPages)) {
    const found: SmsRecord[] = [];
    for (const record of page.map(recordOf)) {
      if (!record) continue;
      const time = record.dateCreated?.getTime() ?? last;
      isSorted &&= time <= last;
      last = time;
      if (time < second || seen.has(record.sid)) continue;
      seen.add(record.sid);
      found.push(record);
    }
    yield found;
    if (isSorted && last < second) return;
  }
}

/** @returns `undefined` if it is not a message. Restcomm's records have no media (SmsMessage): only the webhook carries them. */
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
    errorMessage: fieldOf(json, 'error_message'),
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
