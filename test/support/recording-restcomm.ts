import { PlatformError } from '../../src/domain/errors.ts';
import { createEmbeddedRestcomm, type EmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import type { Restcomm } from '../../src/platforms/restcomm/restcomm.ts';

/**
 * The embedded platform, which also writes down what it is asked and refuses what a test wants refused. Every e-mail at customer.example has
 * an account there already: it is linked, so that no test waits for the hash of a password that is none of its business.
 */
export interface RecordingRestcomm extends EmbeddedRestcomm {
  /** Since the last `reset`: the call's name and what it was about (an e-mail, sid or number), in order. */
  readonly calls: [call: keyof Restcomm, ...about: string[]][];
  /** Refuses these calls until `reset`, where `when` is given only those about it. */
  refuse(call: keyof Restcomm, when?: string): void;
  reset(): void;
  /** Awaited in the midst of the next call. */
  onCall?: () => Promise<void>;
  /** Where the number's SMS go. */
  smsUrl(number: string): string | undefined;
}

export const REFUSAL = 'The platform does not like this.';

export function createRecordingRestcomm(): RecordingRestcomm {
  const platform = createEmbeddedRestcomm();
  const calls: RecordingRestcomm['calls'] = [];
  const smsUrls = new Map<string, string>();
  let refused: [call: keyof Restcomm, when: string | undefined][] = [];
  const ask = async (call: keyof Restcomm, ...about: string[]) => {
    calls.push([call, ...about]);
    const { onCall } = recording;
    recording.onCall = undefined;
    await onCall?.();
    if (refused.some(([one, when]) => one === call && (when === undefined || when === about[0]))) throw new PlatformError(REFUSAL);
  };
  const recording: RecordingRestcomm = {
    ...platform,
    calls,
    refuse: (call, when) => {
      refused.push([call, when]);
    },
    reset: () => {
      refused = [];
      calls.length = 0;
    },
    createSubAccount: async (account) => {
      await ask('createSubAccount', account.email);
      if (account.email.toLowerCase().endsWith('@customer.example')) await platform.createSubAccount(account);
      return platform.createSubAccount(account);
    },
    changeAccount: async (sid, change) => {
      await ask('changeAccount', sid, JSON.stringify(change));
      return platform.changeAccount(sid, change);
    },
    setAccountStatus: async (sid, status) => {
      await ask('setAccountStatus', sid, status);
      return platform.setAccountStatus(sid, status);
    },
    enableSms: async (...args) => {
      await ask('enableSms', args[0]);
      await platform.enableSms(...args);
      smsUrls.set(args[0].replace('+', ''), args[1]);
    },
    smsUrl: (number) => smsUrls.get(number.replace('+', '')),
    disableSms: async (number) => {
      await ask('disableSms', number);
      return platform.disableSms(number);
    },
  };
  return recording;
}
