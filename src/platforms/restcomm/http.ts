import { createRestcommAccounts } from './accounts.ts';
import { createRestcommMessages } from './messages.ts';
import { createRestcommNumbers } from './numbers.ts';
import { createRestcommApi, type RestcommOptions } from './request.ts';
import type { Restcomm } from './restcomm.ts';

/**
 * Creates the client of Restcomm's REST API, version 2012-04-24. Its errors never contain a credential, password or webhook URL, even if
 * Restcomm's response quotes it.
 * @throws TypeError if `options.url` is not a URL or contains credentials
 */
export function createHttpRestcomm(options: RestcommOptions): Restcomm {
  const api = createRestcommApi(options);
  return {
    ...createRestcommAccounts(api),
    ...createRestcommNumbers(api, options.accountSid),
    ...createRestcommMessages(api, options),
  };
}
