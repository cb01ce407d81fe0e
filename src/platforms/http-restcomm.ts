import type { Restcomm } from './restcomm.ts';
import { createRestcommAccounts } from './restcomm-accounts.ts';
import { createRestcommMessages } from './restcomm-messages.ts';
import { createRestcommNumbers } from './restcomm-numbers.ts';
import { createRestcommRequest, type RestcommOptions } from './restcomm-request.ts';

/**
 * The Restcomm platform over its REST API (version 2012-04-24): Basic auth, forms in, JSON out. No credential, password or webhook address
 * gets into an error, also not where the platform quotes it.
 * @throws TypeError where `url` is none, or carries credentials
 */
export function createHttpRestcomm(options: RestcommOptions): Restcomm {
  const ask = createRestcommRequest(options);
  return {
    ...createRestcommAccounts(ask),
    ...createRestcommNumbers(ask, options.accountSid),
    ...createRestcommMessages(ask, options.accountSid),
  };
}
