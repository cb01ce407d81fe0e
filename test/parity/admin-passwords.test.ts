import { beforeAll, describe, expect, test } from 'vitest';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { accountSid } from '../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { type GraphAnswer, graphClient } from '../support/graph.ts';
import { REFUSAL } from '../support/recording-restcomm.ts';
import { adminWorld, newcomer } from './admin-world.ts';
import { done, expectRefusal, faces, fresh, inRest, newEnterprise, outcome } from './faces.ts';

// The password of an enterprise's admin, here and on the platform.

const world = adminWorld();
const { restcomm, enterprise, adminOf, clientOf, statusOf } = world;
let gateway: TestGateway;
let provider: Provider;
beforeAll(() => {
  ({ gateway, provider } = world);
});

describe('a password', () => {
  test.each([' leading', 'trailing ', '  both\t', ' with\n', 'in side'])('is taken as it is: %j', async (password) => {
    for (const face of faces) {
      const emailId = newcomer();
      expect(
        await outcome(face, provider, 'createEnterprise', newEnterprise({ enterpriseAdmin: { email: emailId, password } })),
      ).toMatchObject({
        sid: expect.stringMatching(/^EN/),
      });
      expect(await statusOf(emailId, password)).toBe(200);
      if (password !== password.trim()) expect(await statusOf(emailId, password.trim())).toBe(401);
    }
  });

  test.each(['', ' ', '\t\r\n'])('of white space alone is missing: %j', async (password) => {
    const message = 'Mandatory parameter enterpriseAdmin.password is missing.';
    const path = ['enterpriseAdmin', 'password'];
    await expectRefusal(
      provider,
      'createEnterprise',
      newEnterprise({ enterpriseAdmin: { email: newcomer(), password } }),
      'MISSING_PARAMETER',
      {
        message,
        path,
      },
    );
  });
});

test('PUT ignores a password', async () => {
  const { sid, adminSid, password } = await enterprise();
  expect(await inRest(provider, 'updateEnterprise', { sid, enterpriseAdmin: { password: 'another' } })).toMatchObject({ status: 200 });
  expect(await statusOf(adminSid, password)).toBe(200);
});

describe('resetAdminPassword', () => {
  const RESET = `mutation ($input: ResetAdminPasswordInput!) { result: resetAdminPassword(input: $input) {
    ... on ResetAdminPasswordSuccess { enterprise { sid admin { sid } } } ... on Error { code path value } } }`;
  const reset = async (enterpriseSid: string, password: string, by = provider.graph) =>
    (await by(RESET, { input: { enterpriseSid, password } })) as {
      status: number;
      data: { result: Row };
      errors?: { extensions?: { code?: string } }[];
    };
  type Row = {
    readonly enterprise?: { readonly sid: string };
    readonly code?: string;
    readonly path?: string[];
    readonly value?: string | null;
  };

  test('changes the password here and on the platform, and is audited without it', async () => {
    const { sid, adminSid, email, password } = await enterprise();
    expect(await statusOf(email, password)).toBe(200);
    restcomm.reset();
    expect((await reset(sid, ' a new one ')).data.result).toEqual({ enterprise: { sid, admin: { sid: adminSid } } });
    expect(restcomm.calls).toEqual([['changeAccount', accountSid(email), '{"password":" a new one "}']]);
    expect(await statusOf(email, password)).toBe(401);
    expect(await statusOf(email, ' a new one ')).toBe(200);
    const records = await gateway.database.prisma.auditLog.findMany({ where: { targetSid: sid, action: 'enterprise.resetAdminPassword' } });
    expect(records).toHaveLength(1);
    expect(JSON.stringify(records)).not.toContain('a new one');
  });

  test('leaves the password of an account that was there before, on the platform only', async () => {
    const { sid, adminSid, email } = await enterprise(fresh.email());
    expect((await adminOf(sid)).passwordHash).toBeNull();
    for (const password of ['the first one', 'the second one']) {
      restcomm.reset();
      expect((await reset(sid, password)).data.result.enterprise?.sid).toBe(sid);
      expect(restcomm.calls).toEqual([]);
      expect(await statusOf(adminSid, password)).toBe(200);
      expect(await statusOf(email, password)).toBe(200);
    }
  });

  test('ends the streams and access tokens of the former password', async () => {
    const { sid, adminSid, password } = await enterprise();
    const admin = clientOf(adminSid, password);
    const issued = await admin(
      'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    const byToken = graphClient(gateway.fetch, { token: issued.data.made.token });
    expect((await byToken('{ viewer { admin { sid } } }')).status).toBe(200);
    const authorization = `Basic ${Buffer.from(`${adminSid}:${password}`).toString('base64')}`;
    const url = `http://gateway.test/graphql?${new URLSearchParams({ query: 'subscription { messageEvents { __typename } }' })}`;
    const answered = (await gateway.fetch(new Request(url, { headers: { accept: 'text/event-stream', authorization } }))).text();
    await reset(sid, 'another-password');
    expect(await answered).toContain('UNAUTHENTICATED');
    expect((await byToken('{ viewer { admin { sid } } }')).status).toBe(401);
  });

  test('leaves no access token to a request that the former password began', async () => {
    const { sid, adminSid, password } = await enterprise();
    const admin = clientOf(adminSid, password);
    const create =
      'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }';
    expect((await admin(create)).data.made.token).toBeTruthy();
    const begun = new Promise<GraphAnswer<{ made?: unknown } | null>>((resolve) => {
      restcomm.onCall = async () => resolve(admin(create));
    });
    await reset(sid, 'another-password');
    const answered = await begun;
    expect(answered.data?.made ?? null).toBeNull();
    expect(answered.errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
  });

  test('changes nothing where the platform refuses it', async () => {
    const { sid, adminSid, password } = await enterprise();
    restcomm.refuse('changeAccount');
    expect((await reset(sid, 'too weak')).data.result).toMatchObject({ code: 'PLATFORM_ERROR' });
    expect(REFUSAL).toBeTruthy();
    expect(await statusOf(adminSid, password)).toBe(200);
  });

  test('refuses a missing or malformed password without showing it', async () => {
    const { sid } = await enterprise();
    for (const password of ['', '  '])
      expect((await reset(sid, password)).data.result).toEqual({ code: 'MISSING_PARAMETER', path: ['password'], value: null });
    for (const password of ['x'.repeat(1025), 'a\0b']) {
      expect((await reset(sid, password)).data.result).toEqual({ code: 'INVALID_PARAMETER', path: ['password'], value: null });
    }
  });

  test('is refused to anonymous callers, readers, other tenants, the admin itself and access tokens', async () => {
    const { sid, adminSid, password } = await enterprise();
    const code = async (by: Provider['graph']) => {
      const { data, errors } = await reset(sid, 'another-password', by);
      return errors?.[0]?.extensions?.code ?? data.result.code;
    };
    expect(await code(graphClient(gateway.fetch))).toBe('UNAUTHENTICATED');
    expect(await code((await gateway.provider()).graph)).toBe('ENTERPRISE_NOT_FOUND');
    expect(await code(clientOf(adminSid, password))).toBe('FORBIDDEN');
    const organization = { sid: provider.organizationSid };
    const reader = await createAccount(gateway.gateway, { email: 'reader@provider.example', organization, permissions: ['read'] });
    expect(await code(clientOf(reader.account.sid, reader.authToken))).toBe('FORBIDDEN');
    const token = (
      await provider.graph(
        'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ, WRITE] }) { ... on CreateAccessTokenSuccess { token } } }',
      )
    ).data.made.token;
    expect(await code(graphClient(gateway.fetch, { token }))).toBe('FORBIDDEN');
    expect(await statusOf(adminSid, password)).toBe(200);
    await done(provider, 'closeEnterprise', { sid });
    expect(await code(provider.graph)).toBe('ENTERPRISE_CLOSED');
    expect(
      await code((query, variables) => provider.graph(query, { input: { ...(variables?.input as object), enterpriseSid: 'EN1' } })),
    ).toBe('ENTERPRISE_NOT_FOUND');
  });
});
