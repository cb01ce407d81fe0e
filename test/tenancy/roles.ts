import { randomBytes } from 'node:crypto';
import { createAccount, READ_ONLY_PERMISSIONS } from '../../src/domain/access/accounts.ts';
import type { Credentials } from '../support/credentials.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { restClient } from '../support/rest.ts';
import type { Deed, World } from './world.ts';

/** As whom the walk is made through another organization: somebody of this one. */
export interface Role {
  readonly name: string;
  readonly mayWrite: boolean;
  readonly mayReadSecrets: boolean;
  readonly credentials: (gateway: TestGateway, provider: Provider) => Promise<Credentials>;
}

/** Who may write comes last: repeating the victim's deeds, it makes things of its own that have the victim's names. */
export const roles: readonly Role[] = [
  {
    name: 'a read-only account of another organization',
    ...{ mayWrite: false, mayReadSecrets: false },
    credentials: async ({ gateway }, { organizationSid }) => {
      const email = `${randomBytes(6).toString('hex')}@reader.example`;
      const issued = await createAccount(gateway, { organization: { sid: organizationSid }, email, permissions: READ_ONLY_PERMISSIONS });
      return { user: issued.account.sid, password: issued.authToken };
    },
  },
  {
    name: 'an account of another organization',
    ...{ mayWrite: true, mayReadSecrets: true },
    credentials: async (_gateway, { accountSid, authToken }) => ({ user: accountSid, password: authToken }),
  },
];

/** As whom it is made through another enterprise of the same organization: somebody whose reach is the world's second. */
export interface NarrowedRole {
  readonly name: string;
  readonly isAdmin: boolean;
  readonly credentials: (world: World) => Promise<Credentials>;
}

export const narrowedRoles: readonly NarrowedRole[] = [
  {
    name: 'an access token that is narrowed to one enterprise',
    isAdmin: false,
    credentials: async ({ provider, sids }) => {
      const { data } = await provider.graph(
        `mutation { issued: createAccessToken(input: { expiresIn: 3600, permissions: [READ, WRITE, SECRETS, AUDIT], enterpriseSid: "${sids.Enterprise?.[1]}" }) {
          ... on CreateAccessTokenSuccess { token }
        } }`,
      );
      return { token: data.issued.token };
    },
  },
  {
    name: 'an enterprise’s admin',
    isAdmin: true,
    credentials: async ({ deeds }) => {
      const [, second] = deeds.filter(({ mutation }) => mutation === 'createEnterprise');
      const { email, password } = (second as Deed).input.enterpriseAdmin as { email: string; password: string };
      return { user: email, password };
    },
  },
];

export const clientsOf = ({ fetch }: TestGateway, credentials: Credentials): Pick<Provider, 'graph' | 'rest'> => ({
  graph: graphClient(fetch, credentials),
  rest: restClient(fetch, credentials),
});

/** The document without the fields that need the permission to read secrets: refusing them would leave no data at all. */
export const withoutSecrets = (document: string): string => document.replaceAll(/(\w+: )?\bclientSecret\b(?!:)/g, '');
