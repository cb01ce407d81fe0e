import type { Faults } from './restcomm-faults.ts';
import { digitsOf, type FakeCallback, type FakeMessage, type FakeState, sidOf } from './restcomm-state.ts';

/** How status callbacks are written: Restcomm's versions and carrier paths differ. Tests may change it at any time. */
export interface Dialect {
  /** Only one of its carrier paths calls back at all. */
  callbacks: boolean;
  statusField: 'MessageStatus' | 'Status' | 'ChannelStatusMessage';
  errorCode: 'name' | 'number';
}

export interface ReceivedSms {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  /** Addresses of an MMS's media. */
  readonly media?: readonly string[];
  /** Of a message that was delivered before: it is delivered again. */
  readonly sid?: string;
}

/** What came of an inbound SMS. `answer` is the gateway's, at whichever of the number's addresses gave one. */
export interface SmsDelivery {
  readonly sid: string;
  readonly answer?: FakeCallback['answer'];
}

/** MessageError of Restcomm-Connect. */
const ERRORS: Readonly<Record<number, string>> = {
  30001: 'QUEUE_OVERFLOW',
  30002: 'ACCOUNT_SUSPENDED',
  30003: 'UNREACHABLE_DESTINATION_HANDSET',
  30004: 'MESSAGE_BLOCKED',
  30005: 'UNKNOWN_DESTINATION_HANDSET',
  30006: 'LANDLINE_OR_UNREACHABLE_CARRIER',
  30007: 'CARRIER_VIOLATION',
  30008: 'UNKNOWN_ERROR',
  30009: 'MISSING_SEGMENT',
  30010: 'MESSAGE_PRICE_EXCEEDS_MAX_PRICE',
};

interface WebhookOptions {
  readonly accountSid: string;
  readonly fetch: typeof globalThis.fetch;
  /** How long Restcomm waits for a webhook. */
  readonly waitMs: number;
}

/** The requests that the platform makes itself. Nothing is ever repeated. */
export function createWebhooks(state: FakeState, faults: Faults, dialect: Dialect, { accountSid, fetch, waitMs }: WebhookOptions) {
  const closed = new AbortController();
  const late = new Map<string, (() => Promise<void>)[]>();

  async function post(url: string, form: Record<string, string>): Promise<FakeCallback['answer']> {
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(waitMs)]);
    // Restcomm's client moves the query string into the form (HttpRequestDescriptor).
    const address = new URL(url);
    const body = new URLSearchParams([...Object.entries(form), ...address.searchParams]);
    address.search = '';
    const answer = await fetch(address, { method: 'POST', body, redirect: 'manual', signal })
      .then(async (response) => ({
        status: response.status,
        contentType: response.headers.get('content-type'),
        body: await response.text(),
      }))
      .catch(() => undefined);
    state.callbacks.push({ url, form, answer });
    state.changed();
    return answer;
  }

  /** Moves a message on and calls back. */
  async function report(message: FakeMessage, status: FakeMessage['status'], errorCode?: number): Promise<void> {
    message.status = status;
    message.errorCode = errorCode;
    state.changed();
    const url = message.statusCallback;
    if (!url || !dialect.callbacks) return;
    const { sid, from, to, body } = message;
    const form: Record<string, string> = { AccountSid: accountSid, MessageSid: sid, From: from, To: to, Body: body };
    form[dialect.statusField] = status;
    if (errorCode !== undefined) form.ErrorCode = dialect.errorCode === 'name' ? (ERRORS[errorCode] ?? '') : String(errorCode);

    const fault = faults.take('statusCallback') ?? {};
    const deliver = async () => {
      if (fault.lost) return;
      await post(url, form);
      if (fault.duplicate) await post(url, form);
    };
    if (fault.late) {
      late.set(message.sid, [...(late.get(message.sid) ?? []), deliver]);
      return;
    }
    await deliver();
    const waiting = late.get(message.sid) ?? [];
    late.delete(message.sid);
    for (const delivery of waiting) await delivery();
  }

  /** The life of a sent message: numbers ending in 0 can not be reached. */
  async function carry(message: FakeMessage): Promise<void> {
    await report(message, 'sent');
    if (message.to.endsWith('0')) await report(message, 'failed', 30003);
    else await report(message, 'delivered');
  }

  /** An SMS from a phone: kept, then posted to the number's SmsUrl, and where that fails to its SmsFallbackUrl. */
  async function receive({ from, to, body, media = [], sid = sidOf('SM') }: ReceivedSms): Promise<SmsDelivery> {
    if (!state.messages.some((message) => message.sid === sid)) {
      state.messages.push({ sid, from, to, body, direction: 'inbound', dateCreated: new Date(), status: 'received' });
      state.changed();
    }
    const number = state.numbers.find(({ phoneNumber }) => digitsOf(phoneNumber) === digitsOf(to));
    // An application of the number's takes its SMS.
    if (!number?.smsUrl || number.smsApplicationSid) return { sid };
    const form: Record<string, string> = { SmsSid: sid, AccountSid: accountSid, ApiVersion: '2012-04-24', From: from, To: to, Body: body };
    for (const [index, url] of media.entries()) form[`MediaUrl${index}`] = url;

    const fault = faults.take('smsWebhook') ?? {};
    if (fault.lost) return { sid };
    let answer = await post(number.smsUrl, form);
    if (fault.duplicate) answer = await post(number.smsUrl, form);
    if ((!answer || answer.status >= 400) && number.smsFallbackUrl) answer = (await post(number.smsFallbackUrl, form)) ?? answer;
    return { sid, answer };
  }

  return { report, carry, receive, close: () => closed.abort() };
}
