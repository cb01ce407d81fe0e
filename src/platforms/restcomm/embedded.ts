import { randomBytes } from 'node:crypto';
import { PlatformError } from '../../domain/errors.ts';
import { accountSid } from '../../domain/sid.ts';
import type { Restcomm, SmsRecord } from './restcomm.ts';

type AccountStatus = 'ACTIVE' | 'INACTIVE' | 'CLOSED';

/** A message's progress in Restcomm's own words: `sent`, then `delivered` or `failed`. */
export interface SmsReport {
  readonly messageSid: string;
  readonly status: string;
  readonly errorCode?: string;
  /** Where Restcomm would report it. */
  readonly statusCallback: string;
}

export interface EmbeddedRestcommOptions {
  /** Told of every message's progress, as a status callback would. It must not throw. */
  readonly report?: (report: SmsReport) => void;
  /** From one status of a message to its next, in ms. */
  readonly stepMs?: number;
}

/** The stand-in, and what it was brought to. */
export interface EmbeddedRestcomm extends Restcomm {
  /** `undefined` for an account that it was never asked about. */
  accountStatus(sid: string): AccountStatus | undefined;
  isSmsEnabled(number: string): boolean;
}

const STEP = 300;
/** How many messages it remembers. */
const KEPT = 10_000;

/**
 * Stands in for the Restcomm platform where none is configured. It keeps accounts, numbers and messages in memory and forgets them with
 * the process: an account that it doesn't know is taken as ACTIVE, since another run may have made it. As the platform, it links an e-mail
 * that has an account, and never reopens a CLOSED one. So that refusals can be seen, it refuses e-mails at `.invalid` domains
 * and numbers that begin with 999, a country code that nobody has. It takes every text, and reports it delivered after a moment; texts to
 * numbers ending in 0 fail with 30003 (unreachable destination handset). It vouches for no credentials.
 */
export function createEmbeddedRestcomm({ report, stepMs = STEP }: EmbeddedRestcommOptions = {}): EmbeddedRestcomm {
  const accounts = new Map<string, AccountStatus>();
  const enabled = new Set<string>();
  const messages = new Map<string, SmsRecord>();

  function keep(message: SmsRecord): void {
    messages.set(message.sid, message);
    const [oldest] = messages.keys();
    if (messages.size > KEPT && oldest) messages.delete(oldest);
  }

  function progress(message: SmsRecord, statusCallback: string, [next, ...rest]: readonly Pick<SmsRecord, 'status' | 'errorCode'>[]): void {
    if (!next) return;
    setTimeout(() => {
      const changed = { ...message, ...next };
      if (messages.has(message.sid)) messages.set(message.sid, changed);
      report?.({ messageSid: message.sid, statusCallback, ...next });
      progress(changed, statusCallback, rest);
    }, stepMs).unref();
  }

  return {
    createSubAccount: async ({ email }) => {
      if (/\.invalid$/i.test(email)) throw new PlatformError('The email address can not be used for an account.', { value: email });
      const sid = accountSid(email);
      const existed = accounts.has(sid);
      if (!existed) accounts.set(sid, 'ACTIVE');
      return { sid, existed };
    },
    setAccountStatus: async (sid, status) => {
      if (accounts.get(sid) === 'CLOSED' && status !== 'CLOSED')
        throw new PlatformError('A closed account can not be changed.', { value: sid });
      accounts.set(sid, status);
    },
    enableSms: async (number) => {
      if (digits(number).startsWith('999')) throw new PlatformError('The number is not available to this account.', { value: number });
      enabled.add(digits(number));
    },
    disableSms: async (number) => {
      enabled.delete(digits(number));
    },
    sendSms: async ({ from, to, body, statusCallback }) => {
      const message = {
        sid: `SM${randomBytes(16).toString('hex')}`,
        from,
        to,
        body,
        status: 'sending',
        direction: 'outbound-api',
        dateCreated: new Date(),
        mediaUrls: [],
      };
      keep(message);
      progress(message, statusCallback, [
        { status: 'sent' },
        to.endsWith('0') ? { status: 'failed', errorCode: '30003' } : { status: 'delivered' },
      ]);
      return message;
    },
    findSms: async (sid) => messages.get(sid),
    listSms: async ({ from, to, since }) =>
      [...messages.values()].filter(
        (message) =>
          (!from || digits(message.from) === digits(from)) &&
          (!to || digits(message.to) === digits(to)) &&
          (!message.dateCreated || message.dateCreated >= since),
      ),
    checkCredentials: async () => 'unknown',
    accountStatus: (sid) => accounts.get(sid),
    isSmsEnabled: (number) => enabled.has(digits(number)),
  };
}

const digits = (number: string) => number.replace(/^\+/, '');
