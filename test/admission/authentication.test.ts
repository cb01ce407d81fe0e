import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHALLENGE, createAuthentication } from '../../src/admission/authentication.ts';
import { suspendAccount } from '../../src/domain/access/accounts.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let provider: Provider;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const authenticate = (authorization?: string) =>
  createAuthentication(gateway.gateway)(
    { headers: new Headers(authorization === undefined ? {} : { authorization }) },
    { remoteAddress: '192.0.2.1' },
  );

describe('HTTP Basic', () => {
  test.each([
    ['the form of RFC 7617', (credentials: string) => basic(credentials)],
    ['spaces around the user name, as in the source’s curl lines', (credentials: string) => basic(` ${credentials.replace(':', ' :')}`)],
    ['the scheme in another case', (credentials: string) => basic(credentials).replace('Basic', 'bASIC')],
    ['spaces around it', (credentials: string) => ` ${basic(credentials).replace(' ', '   ')} `],
  ])('accepts %s', async (_, header) => {
    expect(await authenticate(header(`${provider.accountSid}:${provider.authToken}`))).toMatchObject({
      accountSid: provider.accountSid,
      organizationSid: provider.organizationSid,
      remoteAddress: '192.0.2.1',
    });
  });

  test('accepts a token with colons and non-ASCII characters', async () => {
    const { secrets, prisma } = gateway.gateway;
    const other = await gateway.provider();
    const { digest, keyId } = secrets.digest('tö:k:en:');
    await prisma.account.update({ where: { sid: other.accountSid }, data: { tokenDigest: digest, tokenKeyId: keyId } });
    expect(await authenticate(basic(`${other.accountSid}:tö:k:en:`))).toMatchObject({ accountSid: other.accountSid });
  });

  test('gives every request its own id', async () => {
    const header = basic(`${provider.accountSid}:${provider.authToken}`);
    const [first, second] = await Promise.all([authenticate(header), authenticate(header)]);
    expect(first).toHaveProperty('requestId');
    expect(first).not.toEqual(second);
  });

  test.each([
    ['nothing', () => undefined],
    ['an empty header', () => ''],
    ['another scheme', () => `Digest ${provider.authToken}`],
    ['no credentials', () => 'Basic'],
    ['invalid base64', () => 'Basic ***'],
    ['a comma list of two', () => `${basic('a:b')}, ${basic(`${provider.accountSid}:${provider.authToken}`)}`],
    ['no colon', () => basic(provider.accountSid)],
    ['no UTF-8', () => `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0x61]).toString('base64')}`],
    ['NUL in the user name', () => basic(`${provider.accountSid}\0:${provider.authToken}`)],
    ['a wrong token', () => basic(`${provider.accountSid}:wrong`)],
    ['a token with a space', () => basic(`${provider.accountSid}: ${provider.authToken}`)],
    ['an unknown account', () => basic(`AC${'0'.repeat(32)}:${provider.authToken}`)],
  ])('refuses %s with the same 401', async (_, header) => {
    expect(await authenticate(header())).toEqual({
      status: 401,
      message: 'Authentication is required: HTTP Basic with an account SID and its auth token, or a bearer access token',
      challenge: CHALLENGE,
    });
  });

  test('refuses a suspended account with 403, but only with its right token', async () => {
    const other = await gateway.provider();
    await suspendAccount(gateway.gateway, other.accountSid);
    expect(await authenticate(basic(`${other.accountSid}:${other.authToken}`))).toMatchObject({ status: 403 });
    expect(await authenticate(basic(`${other.accountSid}:wrong`))).toMatchObject({ status: 401 });
  });
});
