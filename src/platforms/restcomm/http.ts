import { createRestcommAccounts } from './accounts.ts';
import { createRestcommMessages } from './messages.ts';
import { createRestcommNumbers } from './numbers.ts';
import { createRestcommRequest, type RestcommOptions } from './request.ts';
import type { Restcomm } from './restcomm.ts';

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
