import { PlatformError } from '../domain/errors.ts';
import { accountSid } from '../domain/sid.ts';
import type { Restcomm } from './restcomm.ts';

type AccountStatus = 'ACTIVE' | 'INACTIVE' | 'CLOSED';

/** The stand-in, and what it was brought to. */
export interface EmbeddedRestcomm extends Restcomm {
  /** `undefined` for an account that it was never asked about. */
  accountStatus(sid: string): AccountStatus | undefined;
  isSmsEnabled(number: string): boolean;
}

/**
 * Stands in for the Restcomm platform where none is configured. It keeps accounts and numbers in memory and forgets them with
 * the process: an account that it doesn't know is taken as ACTIVE, since another run may have made it. As the platform, it links an e-mail
 * that has an account, and never reopens a CLOSED one. So that refusals can be seen, it refuses e-mails at `.invalid` domains
 * and numbers that begin with 999, a country code that nobody has.
 */
export function createEmbeddedRestcomm(): EmbeddedRestcomm {
  const accounts = new Map<string, AccountStatus>();
  const enabled = new Set<string>();
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
    accountStatus: (sid) => accounts.get(sid),
    isSmsEnabled: (number) => enabled.has(digits(number)),
  };
}

const digits = (number: string) => number.replace(/^\+/, '');
