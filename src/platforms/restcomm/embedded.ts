import { randomBytes } from 'node:crypto';
import { ACCOUNT_CLOSED, PlatformError } from '../../domain/errors.ts';
import { accountSid } from '../../domain/values/sid.ts';
import { digitsOf } from './responses.ts';
import { MAX_CHARACTERS, type Restcomm, type SmsRecord } from './restcomm.ts';

type RestcommAccountStatus = 'ACTIVE' | 'INACTIVE' | 'CLOSED';

/** A status report of the embedded Restcomm, in Restcomm's own terms. */
export interface SmsReport {
  readonly messageSid: string;
  /** `sent`, then `delivered` or `failed`. */
  readonly status: string;
  readonly errorCode?: string;
  /** The URL that Restcomm would post the report to. */
  readonly statusCallback: string;
}

interface EmbeddedRestcommOptions {
  /** Receives every message's reports, in place of a status callback. It must not throw. */
  readonly report?: (report: SmsReport) => void;
  /** From one status of a message to the next, in ms. */
  readonly stepMs?: number;
  /** See `SmsLimit.segments`. */
  readonly maxSegments?: number;
}

/** The stand-in, with access to its state. */
export interface EmbeddedRestcomm extends Restcomm {
  /** `undefined` for an account that was never mentioned. */
  accountStatus(sid: string): RestcommAccountStatus | undefined;
  isSmsEnabled(number: string): boolean;
}

const STEP_MS = 300;
const MAX_MESSAGES = 10_000;

type SmsOutcome = Pick<SmsRecord, 'status' | 'errorCode'>;
const DELIVERED: SmsOutcome = { status: 'delivered' };
const UNREACHABLE: SmsOutcome = { status: 'failed', errorCode: '30003' };

/** The outcome of each message by the last digit of its sid. */
const OUTCOMES: Readonly<Record<string, SmsOutcome>> = { d: DELIVERED, f: UNREACHABLE };
/** The sids of a stand-in's messages, with their last digit. No other sid begins like them. */
const SID = /^SMe3bedded[0-9a-f]{23}([df])$/;

const outcomeOf = (sid: string): SmsOutcome | undefined => OUTCOMES[SID.exec(sid)?.[1] ?? ''];
const sidFor = (to: string): string => `SMe3bedded${randomBytes(12).toString('hex').slice(1)}${to.endsWith('0') ? 'f' : 'd'}`;

/**
 * Creates a stand-in for Restcomm. It holds accounts, numbers and its latest 10,000 messages in memory only, so it accepts accounts that it
 * does not know: an earlier run may have created them. It tells from the sid of any message that a stand-in accepted how that message ends. Like
 * Restcomm, it links an e-mail address that has an account, and never reopens a CLOSED one. It accepts every SMS and reports it as delivered shortly
 * after. It knows no credentials.
 *
 * Some requests fail, to try out failures:
 * - e-mail addresses at `.invalid` domains get no account
 * - numbers that begin with 999, an unassigned country code, cannot be enabled
 * - SMS to numbers that end in 0 fail with 30003 (unreachable destination handset)
 */
export function createEmbeddedRestcomm({
  report = () => {},
  stepMs = STEP_MS,
  maxSegments,
}: EmbeddedRestcommOptions = {}): EmbeddedRestcomm {
  const accounts = new Map<string, RestcommAccountStatus>();
  const enabled = new Set<string>();
  return {
    createSubAccount: async ({ email }) => {
      if (/\.invalid$/i.test(email)) throw new PlatformError('The e-mail address cannot be used for an account.', { value: email });
      const sid = accountSid(email);
      const existed = accounts.has(sid);
      if (!existed) accounts.set(sid, 'ACTIVE');
      return { sid, existed };
    },
    changeAccount: async (sid) => {
      if (accounts.get(sid) === 'CLOSED') throw closed(sid);
    },
    setAccountStatus: async (sid, status) => {
      if (accounts.get(sid) === 'CLOSED' && status !== 'CLOSED') throw closed(sid);
      accounts.set(sid, status);
    },
    enableSms: async (number) => {
      if (digitsOf(number).startsWith('999')) throw new PlatformError('The number is not available to this account.', { value: number });
      enabled.add(digitsOf(number));
    },
    disableSms: async (number) => {
      enabled.delete(digitsOf(number));
    },
    maxSms: { characters: MAX_CHARACTERS, segments: maxSegments },
    // It answers every time.
    settlesMs: 0,
    ...createEmbeddedMessages(report, stepMs),
    // What a phone sends to the stand-in comes by the webhook, and is not stored.
    listReceived: async function* () {},
    checkCredentials: async () => 'unknown',
    accountStatus: (sid) => accounts.get(sid),
    isSmsEnabled: (number) => enabled.has(digitsOf(number)),
  };
}

const closed = (sid: string) => new PlatformError('A closed account cannot be changed.', { value: sid, cause: ACCOUNT_CLOSED });

function createEmbeddedMessages(report: (report: SmsReport) => void, stepMs: number): Pick<Restcomm, 'sendSms' | 'findSms' | 'listSms'> {
  const messages = new Map<string, SmsRecord>();

  function store(message: SmsRecord): void {
    messages.set(message.sid, message);
    const [oldest] = messages.keys();
    if (messages.size > MAX_MESSAGES && oldest) messages.delete(oldest);
  }

  /** Reports the given statuses one after the other. */
  function progress(message: SmsRecord, statusCallback: string, [next, ...rest]: readonly SmsOutcome[]): void {
    if (!next) return;
    setTimeout(() => {
      const changed = { ...message, ...next };
      if (messages.has(message.sid)) messages.set(message.sid, changed);
      report({ messageSid: message.sid, statusCallback, ...next });
      progress(changed, statusCallback, rest);
    }, stepMs).unref();
  }

  return {
    sendSms: async ({ from, to, body, statusCallback }) => {
      const message = {
        sid: sidFor(to),
        from,
        to,
        body,
        status: 'sending',
        direction: 'outbound-api',
        dateCreated: new Date(),
        mediaUrls: [],
      };
      store(message);
      progress(message, statusCallback, [{ status: 'sent' }, outcomeOf(message.sid) ?? DELIVERED]);
      return message;
    },
    findSms: async (sid) => messages.get(sid) ?? forgotten(sid),
    listSms: async ({ from, to, since }) =>
      [...messages.values()].filter(
        (message) =>
          (!from || digitsOf(message.from) === digitsOf(from)) &&
          (!to || digitsOf(message.to) === digitsOf(to)) &&
          (!message.dateCreated || message.dateCreated >= since),
      ),
  };
}

/** The record of a message that an earlier run accepted, as far as its sid tells: its numbers and its text are lost. */
function forgotten(sid: string): SmsRecord | undefined {
  const outcome = outcomeOf(sid);
  return outcome && { sid, from: '', to: '', body: '', mediaUrls: [], ...outcome };
}
