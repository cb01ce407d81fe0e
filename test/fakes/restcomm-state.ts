import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';

export interface FakeAccount {
  readonly sid: string;
  readonly email: string;
  friendlyName: string;
  /** Its own or its parent's; older versions of Restcomm have none. */
  readonly organizationSid?: string;
  /** Restcomm's: the md5 of the password, which it takes as well. */
  authToken: string;
  password?: string;
  status: 'active' | 'suspended' | 'closed' | 'uninitialized';
}

export interface FakeNumber {
  readonly sid: string;
  /** As the platform writes it, with a leading +. */
  readonly phoneNumber: string;
  smsUrl: string | null;
  smsMethod: string;
  smsFallbackUrl: string | null;
  smsFallbackMethod: string;
  smsApplicationSid: string | null;
}

export interface FakeMessage {
  readonly sid: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly direction: 'inbound' | 'outbound-api';
  /** As the sender asked for it. */
  readonly encoding?: string;
  readonly statusCallback?: string;
  /** Tests may date a message back. */
  dateCreated: Date;
  status: 'sending' | 'sent' | 'delivered' | 'undelivered' | 'failed' | 'received';
  errorCode?: number;
}

/** A request to the platform's REST API. */
export interface FakeRequest {
  readonly method: string;
  /** Below the base address, e.g. `/Accounts.json`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  readonly user: string;
  readonly password: string;
}

/** A request of the platform's own to a webhook. */
export interface FakeCallback {
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
  /** The answer; absent where none came. */
  readonly answer?: { readonly status: number; readonly contentType: string | null; readonly body: string };
}

export const sidOf = (prefix: string): string => prefix + randomBytes(16).toString('hex');
export const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
export const digitsOf = (number: string): string => number.replace(/^\+/, '');

/** All that the fake platform knows. */
export class FakeState {
  /** Cuts texts of more than 160 bytes to 159 characters, and refuses shorter ones, as where numbers are normalized (SmsMessagesEndpoint). */
  cuts = false;
  /** Lists sort, and know Status: since July 2018. */
  sorts = true;
  readonly accounts = new Map<string, FakeAccount>();
  readonly numbers: FakeNumber[] = [];
  readonly messages: FakeMessage[] = [];
  readonly requests: FakeRequest[] = [];
  readonly callbacks: FakeCallback[] = [];
  readonly #changes = new EventEmitter().setMaxListeners(0);

  changed(): void {
    this.#changes.emit('change');
  }

  /** Waits for `holds` to be true of the state, asking at every change of it. */
  until(holds: () => unknown, timeoutMs = 30_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const ask = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#changes.off('change', ask);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#changes.off('change', ask);
        reject(new Error(`The fake Restcomm waited ${timeoutMs} ms in vain for: ${holds}`));
      }, timeoutMs);
      this.#changes.on('change', ask);
      ask();
    });
  }
}
