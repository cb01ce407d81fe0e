import { ACCOUNT_CLOSED } from '../../domain/errors.ts';
import { accountSid as sidOf } from '../../domain/values/sid.ts';
import { parseJson } from '../../json.ts';
import type { RestcommApi } from './request.ts';
import { fieldOf, isSuccess, manage, refusedError, unreadableError } from './responses.ts';
import type { Restcomm } from './restcomm.ts';

type Accounts = Pick<Restcomm, 'createSubAccount' | 'changeAccount' | 'setAccountStatus' | 'checkCredentials'>;

const STATUS = { ACTIVE: 'active', INACTIVE: 'suspended', CLOSED: 'closed' } as const;

/**
 * Manages Restcomm's accounts: `POST /Accounts`, `PUT` and `GET /Accounts/{sid}` (AccountsEndpoint of RestComm/Restcomm-Connect). Of an account
 * that is not active, every request is a 403 (SecurityFilter).
 */
export function createRestcommAccounts(api: RestcommApi): Accounts {
  return {
    createSubAccount: async ({ email, password, friendlyName }) => {
      const form = { EmailAddress: email, Password: password, FriendlyName: friendlyName };
      const response = await manage(api, 'POST', ['Accounts'], { form, expected: [409] });
      if (response.status === 409) {
        if (!/\balready in use\b/i.test(response.text)) throw refusedError(response);
        return { sid: sidOf(email), existed: true };
      }
      const sid = fieldOf(parseJson(response.text), 'sid');
      if (!sid) throw unreadableError(response);
      return { sid, existed: false };
    },

    changeAccount: async (sid, { friendlyName, password }) => {
      const form = {
        ...(friendlyName !== undefined && { FriendlyName: friendlyName }),
        ...(password !== undefined && { Password: password }),
      };
      await manage(api, 'PUT', ['Accounts', sid], { form });
    },

    setAccountStatus: async (sid, status) => {
      const wanted = STATUS[status];
      const response = await manage(api, 'PUT', ['Accounts', sid], { form: { Status: wanted }, expected: [400] });
      if (isSuccess(response)) return;
      // A closed account refuses every change, even to closed, with 400 (AccountsEndpoint).
      const account = await manage(api, 'GET', ['Accounts', sid]);
      const current = fieldOf(parseJson(account.text), 'status')?.toLowerCase();
      if (current !== wanted) throw refusedError(response, current === STATUS.CLOSED ? ACCOUNT_CLOSED : undefined);
    },

    checkCredentials: async (accountSid, authToken) => {
      // From the caller: keep anything else out of the path, and a colon out of Basic's user name.
      if (!/^AC[0-9a-f]{32}$/i.test(accountSid)) return 'unknown';
      const credentials = { accountSid, authToken };
      const response = await manage(api, 'GET', ['Accounts', accountSid], { credentials, expected: [401, 403, 404] });
      if (response.status === 403) return 'inactive';
      if (!isSuccess(response)) return 'unknown';
      const json = parseJson(response.text);
      const status = fieldOf(json, 'status');
      if (!status || fieldOf(json, 'sid')?.toLowerCase() !== accountSid.toLowerCase()) throw unreadableError(response);
      if (status.toLowerCase() !== STATUS.ACTIVE) return 'inactive';
      const email = fieldOf(json, 'email_address');
      if (!email) throw unreadableError(response);
      const organizationSid = fieldOf(json, 'organization');
      if (organizationSid && !/^OR[0-9a-f]{32}$/.test(organizationSid)) throw unreadableError(response);
      return { email, friendlyName: fieldOf(json, 'friendly_name'), organizationSid };
    },
  };
}
