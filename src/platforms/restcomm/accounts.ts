import { accountSid as sidOf } from '../../domain/sid.ts';
import { fieldOf, isTaken, jsonOf, manage, refused, unreadable } from './answers.ts';
import type { RestcommRequest } from './request.ts';
import type { Restcomm } from './restcomm.ts';

type Accounts = Pick<Restcomm, 'createSubAccount' | 'setAccountStatus' | 'checkCredentials'>;

const STATUS = { ACTIVE: 'active', INACTIVE: 'suspended', CLOSED: 'closed' } as const;

/** Restcomm's Accounts: `POST /Accounts`, `PUT` and `GET /Accounts/{sid}`. */
export function createRestcommAccounts(ask: RestcommRequest): Accounts {
  return {
    createSubAccount: async ({ email, password, friendlyName }) => {
      const form = { EmailAddress: email, Password: password, FriendlyName: friendlyName };
      const answer = await manage(ask, 'POST', ['Accounts'], { form, expected: [409] });
      if (answer.status === 409) {
        if (!/\balready in use\b/i.test(answer.text)) throw refused(answer);
        return { sid: sidOf(email), existed: true };
      }
      const sid = fieldOf(jsonOf(answer.text), 'sid');
      if (!sid) throw unreadable(answer);
      return { sid, existed: false };
    },

    setAccountStatus: async (sid, status) => {
      const wanted = STATUS[status];
      const answer = await manage(ask, 'PUT', ['Accounts', sid], { form: { Status: wanted }, expected: [400] });
      if (isTaken(answer)) return;
      // A closed account refuses every change, also to be closed.
      const account = await manage(ask, 'GET', ['Accounts', sid]);
      if (fieldOf(jsonOf(account.text), 'status')?.toLowerCase() !== wanted) throw refused(answer);
    },

    checkCredentials: async (accountSid, authToken) => {
      // The caller wrote it: nothing else may get into the path, nor a colon into Basic's user name.
      if (!/^AC[0-9a-f]{32}$/i.test(accountSid)) return 'unknown';
      const credentials = { accountSid, authToken };
      const answer = await manage(ask, 'GET', ['Accounts', accountSid], { credentials, expected: [401, 403, 404] });
      if (answer.status === 403) return 'inactive';
      if (!isTaken(answer)) return 'unknown';
      const json = jsonOf(answer.text);
      const status = fieldOf(json, 'status');
      if (!status || fieldOf(json, 'sid')?.toLowerCase() !== accountSid.toLowerCase()) throw unreadable(answer);
      if (status.toLowerCase() !== STATUS.ACTIVE) return 'inactive';
      const email = fieldOf(json, 'email_address');
      if (!email) throw unreadable(answer);
      const organizationSid = fieldOf(json, 'organization');
      if (organizationSid && !/^OR[0-9a-f]{32}$/.test(organizationSid)) throw unreadable(answer);
      return { email, friendlyName: fieldOf(json, 'friendly_name'), organizationSid };
    },
  };
}
