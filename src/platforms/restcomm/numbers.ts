import { PlatformError } from '../../domain/errors.ts';
import { itemsOf } from './pages.ts';
import type { RestcommApi } from './request.ts';
import { digitsOf, fieldOf, manage } from './responses.ts';
import type { Restcomm } from './restcomm.ts';

type Numbers = Pick<Restcomm, 'enableSms' | 'disableSms'>;

/** Routes the SMS to the account's numbers, by Restcomm's IncomingPhoneNumbers (IncomingPhoneNumbersEndpoint of RestComm/Restcomm-Connect). */
export function createRestcommNumbers(api: RestcommApi, accountSid: string): Numbers {
  const path = ['Accounts', accountSid, 'IncomingPhoneNumbers'];

  /**
   * Restcomm's filter matches any part of a number (IncomingPhoneNumberFilter), so the results are compared again.
   * @returns the sid of the IncomingPhoneNumber
   */
  async function findNumber(number: string): Promise<string | undefined> {
    const digits = digitsOf(number);
    for await (const item of itemsOf(api, path, 'incomingPhoneNumbers', { PhoneNumber: digits })) {
      if (digitsOf(fieldOf(item, 'phone_number') ?? '') === digits) return fieldOf(item, 'sid');
    }
    return undefined;
  }

  /** If the first URL fails, Restcomm posts the SMS to the fallback URL (SmsInterpreter): the same one, for a second attempt. */
  const route = (smsUrl: string) => ({
    SmsUrl: smsUrl,
    SmsMethod: 'POST',
    SmsFallbackUrl: smsUrl,
    SmsFallbackMethod: 'POST',
    // An application of the number would override SmsUrl (SmsService, redirectToHostedSmsApp).
    SmsApplicationSid: '',
  });

  return {
    enableSms: async (number, smsUrl) => {
      const sid = await findNumber(number);
      if (!sid) throw new PlatformError('The number does not belong to the Restcomm account.', { value: number });
      await manage(api, 'POST', [...path, sid], { form: route(smsUrl) });
    },

    disableSms: async (number) => {
      const sid = await findNumber(number);
      if (sid) await manage(api, 'POST', [...path, sid], { form: route(''), expected: [404] });
    },
  };
}
