import { PlatformError } from '../../domain/errors.ts';
import { digitsOf, fieldOf, manage } from './answers.ts';
import { itemsOf } from './pages.ts';
import type { RestcommRequest } from './request.ts';
import type { Restcomm } from './restcomm.ts';

type Numbers = Pick<Restcomm, 'enableSms' | 'disableSms'>;

/** Restcomm's IncomingPhoneNumbers of the gateway's account: where it delivers each number's SMS. */
export function createRestcommNumbers(ask: RestcommRequest, accountSid: string): Numbers {
  const path = ['Accounts', accountSid, 'IncomingPhoneNumbers'];

  /** Restcomm's filter matches any part of a number. */
  async function findNumber(number: string): Promise<string | undefined> {
    const digits = digitsOf(number);
    for await (const item of itemsOf(ask, path, 'incomingPhoneNumbers', { PhoneNumber: digits })) {
      if (digitsOf(fieldOf(item, 'phone_number') ?? '') === digits) return fieldOf(item, 'sid');
    }
    return undefined;
  }

  /** Where the first address fails, Restcomm posts the SMS to the second: the same one, for another try. */
  const route = (smsUrl: string) => ({
    SmsUrl: smsUrl,
    SmsMethod: 'POST',
    SmsFallbackUrl: smsUrl,
    SmsFallbackMethod: 'POST',
    // An application of the number's would override SmsUrl.
    SmsApplicationSid: '',
  });

  return {
    enableSms: async (number, smsUrl) => {
      const sid = await findNumber(number);
      if (!sid) throw new PlatformError('The number is not one of the Restcomm account.', { value: number });
      await manage(ask, 'POST', [...path, sid], { form: route(smsUrl) });
    },

    disableSms: async (number) => {
      const sid = await findNumber(number);
      if (sid) await manage(ask, 'POST', [...path, sid], { form: route(''), expected: [404] });
    },
  };
}
