import { randomBytes } from 'node:crypto';
import { authorizationOf } from '../support/credentials.ts';
import type { Provider } from '../support/gateway.ts';

/** How an account or an admin logs in. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

export const credentialsOf = ({ accountSid, authToken }: Provider): Login => ({ user: accountSid, password: authToken });

/** Makes an enterprise, and returns how its admin logs in. */
export async function adminOf(provider: Provider): Promise<Login> {
  const email = `${randomBytes(6).toString('hex')}@customer.example`;
  const input = { name: email, enterpriseAdmin: { email, password: 'a-long-password' } };
  const { data } = await provider.graph(
    'mutation ($input: CreateEnterpriseInput!) { createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { admin { sid } } } } }',
    { input },
  );
  return { user: data.createEnterprise.enterprise.admin.sid, password: input.enterpriseAdmin.password };
}

/** A request that plays a phone, with a body of its own. */
export const standInRequest = (provider: Provider, body: BodyInit) =>
  new Request('http://gateway.test/stand-in/sms', {
    method: 'POST',
    headers: { authorization: authorizationOf(credentialsOf(provider)) },
    body,
    duplex: 'half',
  } as RequestInit);
