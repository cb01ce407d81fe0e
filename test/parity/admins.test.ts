import { beforeAll, describe, expect, test } from 'vitest';
import { accountSid } from '../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { restClient } from '../support/rest.ts';
import { adminWorld, newcomer } from './admin-world.ts';
import { done, expectRefusal, type Face, faces, fresh, type Input, inGraph, inRest, newEnterprise, outcome } from './faces.ts';

// An enterprise's admin: its e-mail address and name, here and on the platform. admin-passwords.test.ts tests the password.

const world = adminWorld();
const { restcomm, enterprise, adminOf, clientOf, statusOf } = world;
let gateway: TestGateway;
let provider: Provider;
beforeAll(() => {
  ({ gateway, provider } = world);
});

async function update(face: Face, sid: string, enterpriseAdmin: Input): Promise<void> {
  expect(await outcome(face, provider, 'updateEnterprise', { sid, enterpriseAdmin })).toEqual({ sid });
}

describe.each(faces)('on %s', (face) => {
  test('the e-mail address of a CLOSED enterprise’s admin is free again, with the password that is then given', async () => {
    const closed = await enterprise();
    await done(provider, 'closeEnterprise', { sid: closed.sid });
    expect(restcomm.accountStatus(accountSid(closed.email))).toBe('CLOSED');
    const input = newEnterprise({ enterpriseAdmin: { email: closed.email.toUpperCase(), password: 'another-password' } });
    const { sid = '' } = await outcome(face, provider, 'createEnterprise', input);
    expect(sid).toMatch(/^EN/);
    expect(await statusOf(closed.email, 'another-password')).toBe(200);
    expect(await statusOf(closed.adminSid, closed.password)).not.toBe(200);
    // Its account on the platform stays CLOSED, which keeps the enterprise from nothing.
    for (const status of ['INACTIVE', 'ACTIVE'])
      expect(await outcome(face, provider, 'updateEnterprise', { sid, status })).toEqual({ sid });
    expect(await outcome(face, provider, 'closeEnterprise', { sid })).toEqual({ sid });
  });

  test('an address of an open enterprise’s admin is refused, on creation and in an update', async () => {
    const [one, two] = [await enterprise(), await enterprise()];
    for (const emailId of [one.email, one.email.toUpperCase(), ` ${one.email} `]) {
      const expected = { value: emailId.trim(), path: ['enterpriseAdmin', 'email'] };
      await expectRefusal(
        provider,
        'createEnterprise',
        newEnterprise({ enterpriseAdmin: { email: emailId, password: 'x' } }),
        'EMAIL_NOT_UNIQUE',
        expected,
      );
      await expectRefusal(
        provider,
        'updateEnterprise',
        { sid: two.sid, enterpriseAdmin: { email: emailId } },
        'EMAIL_NOT_UNIQUE',
        expected,
      );
    }
    expect((await adminOf(two.sid)).email).toBe(two.email);
  });

  test('a name is changed here and on the platform', async () => {
    const { sid, email } = await enterprise();
    restcomm.reset();
    await update(face, sid, { name: ' Eve ' });
    expect(await adminOf(sid)).toMatchObject({ name: 'Eve', email });
    expect(restcomm.calls).toEqual([['changeAccount', accountSid(email), '{"friendlyName":"Eve"}']]);
  });

  test('a name is not changed on the platform for an account that was there before', async () => {
    const { sid } = await enterprise(fresh.email());
    restcomm.reset();
    await update(face, sid, { name: 'Eve' });
    expect(await adminOf(sid)).toMatchObject({ name: 'Eve' });
    expect(restcomm.calls).toEqual([]);
  });

  test('another address has a new account, the former one is suspended, and the password here stays', async () => {
    const { sid, adminSid, email, password } = await enterprise();
    const emailId = newcomer();
    restcomm.reset();
    expect(await statusOf(email, password)).toBe(200);
    await update(face, sid, { email: emailId, name: 'Eve' });
    expect(await adminOf(sid)).toMatchObject({
      sid: adminSid,
      email: emailId,
      name: 'Eve',
      accountSid: accountSid(emailId),
      accountCreated: true,
    });
    expect(restcomm.calls).toEqual([
      ['createSubAccount', emailId],
      ['setAccountStatus', accountSid(email), 'INACTIVE'],
    ]);
    expect(await statusOf(emailId, password)).toBe(200);
    expect(await statusOf(email, password)).toBe(401);
    // Back again: the account is there, and active again.
    await update(face, sid, { email: email });
    expect([email, emailId].map((one) => restcomm.accountStatus(accountSid(one)))).toEqual(['ACTIVE', 'INACTIVE']);
  });

  test('another address that has an account is linked, and a shared account is not suspended', async () => {
    const [one, two] = [await enterprise(), await gateway.provider()];
    const shared = newEnterprise({ enterpriseAdmin: { email: one.email, password: 'x' } });
    await done(two, 'createEnterprise', shared);
    const emailId = fresh.email();
    await update(face, one.sid, { email: emailId });
    expect(await adminOf(one.sid)).toMatchObject({ accountSid: accountSid(emailId), accountCreated: false });
    expect(restcomm.accountStatus(accountSid(one.email))).toBe('ACTIVE');
  });

  test('an account that somebody else’s admin uses as well keeps its name and its password on the platform', async () => {
    const [one, two] = [await enterprise(), await gateway.provider()];
    await done(two, 'createEnterprise', newEnterprise({ enterpriseAdmin: { email: one.email, password: 'x' } }));
    restcomm.reset();
    await update(face, one.sid, { name: 'Eve' });
    const mutation = `mutation { result: resetAdminPassword(input: { enterpriseSid: "${one.sid}", password: "another" }) { __typename } }`;
    expect((await provider.graph(mutation)).data.result.__typename).toBe('ResetAdminPasswordSuccess');
    expect(restcomm.calls).toEqual([]);
    expect(await adminOf(one.sid)).toMatchObject({ name: 'Eve' });
    expect(await statusOf(one.adminSid, 'another')).toBe(200);
  });

  test('an account that the gateway created stays the admin’s own when its address comes back', async () => {
    const { sid, adminSid, email } = await enterprise();
    await update(face, sid, { email: newcomer() });
    await update(face, sid, { email });
    expect(await adminOf(sid)).toMatchObject({ accountSid: accountSid(email), accountCreated: true });
    // Another tenant's enterprise that is given the address is linked.
    await update(face, sid, { email: newcomer() });
    const tenant = await gateway.provider();
    const linked = await done(tenant, 'createEnterprise', newEnterprise({ enterpriseAdmin: { email, password: 'x' } }));
    expect(await adminOf(linked.sid as string)).toMatchObject({ accountSid: accountSid(email), accountCreated: false });
    expect(restcomm.accountStatus(accountSid(email))).toBe('ACTIVE');
    expect(await statusOf(adminSid, 'a-long-password')).toBe(200);
  });

  test('an account of a request that failed is the admin’s own when the request is repeated', async () => {
    const { sid, email: former } = await enterprise();
    const [moved, made] = [newcomer(), newcomer()];
    restcomm.refuse('setAccountStatus');
    const update = { sid, enterpriseAdmin: { email: moved } };
    const create = newEnterprise({ status: 'INACTIVE', enterpriseAdmin: { email: made, password: 'a-long-password' } });
    expect(await outcome(face, provider, 'updateEnterprise', update)).toEqual({ errorCode: '452' });
    expect(await outcome(face, provider, 'createEnterprise', create)).toEqual({ errorCode: '452' });
    expect(restcomm.accountStatus(accountSid(former))).toBe('ACTIVE');
    restcomm.reset();
    expect(await outcome(face, provider, 'updateEnterprise', update)).toEqual({ sid });
    const { sid: created = '' } = await outcome(face, provider, 'createEnterprise', create);
    expect([await adminOf(sid), await adminOf(created)]).toMatchObject([{ accountCreated: true }, { accountCreated: true }]);
  });

  test('an account that the platform’s operator suspended is not activated by being linked', async () => {
    const { sid } = await enterprise();
    const emailId = newcomer();
    const account = await restcomm.createSubAccount({ email: emailId, password: 'its own', friendlyName: 'Somebody' });
    await restcomm.setAccountStatus(account.sid, 'INACTIVE');
    restcomm.reset();
    await update(face, sid, { email: emailId });
    expect(await adminOf(sid)).toMatchObject({ accountSid: account.sid, accountCreated: false });
    expect(restcomm.accountStatus(account.sid)).toBe('INACTIVE');
  });

  test('an account that the gateway suspended is activated for a new enterprise', async () => {
    const { sid, email } = await enterprise();
    await update(face, sid, { email: newcomer() });
    expect(restcomm.accountStatus(accountSid(email))).toBe('INACTIVE');
    const input = newEnterprise({ enterpriseAdmin: { email, password: 'a-long-password' } });
    expect((await outcome(face, provider, 'createEnterprise', input)).sid).toMatch(/^EN/);
    expect(restcomm.accountStatus(accountSid(email))).toBe('ACTIVE');
  });

  test('a status that the platform refuses leaves the account of the former address active', async () => {
    const { sid, email } = await enterprise();
    const before = await adminOf(sid);
    const emailId = newcomer();
    restcomm.refuse('setAccountStatus', accountSid(emailId));
    const input = { sid, status: 'INACTIVE', enterpriseAdmin: { email: emailId } };
    expect(await outcome(face, provider, 'updateEnterprise', input)).toEqual({ errorCode: '452' });
    expect(restcomm.accountStatus(accountSid(email))).toBe('ACTIVE');
    expect(await adminOf(sid)).toEqual(before);
  });

  test('an access token cannot give an enterprise another admin, nor change its name', async () => {
    const { sid } = await enterprise();
    const before = await adminOf(sid);
    for (const scope of ['', `, enterpriseSid: "${sid}"`]) {
      const issued = await provider.graph(
        `mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ, WRITE]${scope} }) { ... on CreateAccessTokenSuccess { token } } }`,
      );
      const { token } = issued.data.made;
      for (const enterpriseAdmin of [{ email: newcomer() }, { name: 'Eve' }, {}]) {
        const input = { sid, enterpriseAdmin };
        if (face === 'the graph')
          await expect(inGraph({ graph: graphClient(gateway.fetch, { token }) }, 'updateEnterprise', input)).rejects.toThrow('FORBIDDEN');
        else expect(await inRest({ rest: restClient(gateway.fetch, { token }) }, 'updateEnterprise', input)).toMatchObject({ status: 403 });
      }
      const renamed = await inGraph({ graph: graphClient(gateway.fetch, { token }) }, 'updateEnterprise', { sid, name: fresh.name() });
      expect(renamed.sid).toBe(sid);
    }
    expect(await adminOf(sid)).toEqual(before);
  });

  test('another spelling of the same address is the same account', async () => {
    const { sid, email } = await enterprise();
    restcomm.reset();
    await update(face, sid, { email: email.toUpperCase() });
    expect(await adminOf(sid)).toMatchObject({ email: email.toUpperCase(), accountSid: accountSid(email) });
    expect(restcomm.calls).toEqual([]);
  });

  test('the admin of an INACTIVE enterprise gets a suspended account with its new address', async () => {
    const { sid } = await enterprise(newcomer(), 'a-long-password', { status: 'INACTIVE' });
    const emailId = newcomer();
    await update(face, sid, { email: emailId });
    expect(await adminOf(sid)).toMatchObject({ status: 'SUSPENDED' });
    expect(restcomm.accountStatus(accountSid(emailId))).toBe('INACTIVE');
  });

  test.each(['createSubAccount', 'setAccountStatus', 'changeAccount'] as const)('a refused %s leaves the admin as it was', async (call) => {
    const { sid } = await enterprise();
    const before = await adminOf(sid);
    restcomm.refuse(call);
    const change = call === 'changeAccount' ? { name: 'Eve' } : { email: newcomer() };
    expect(await outcome(face, provider, 'updateEnterprise', { sid, name: fresh.name(), enterpriseAdmin: change })).toEqual({
      errorCode: '452',
    });
    expect(await adminOf(sid)).toEqual(before);
  });

  test('its own admin, and a CLOSED enterprise, cannot be given another one', async () => {
    const { sid, adminSid, password } = await enterprise();
    const input = { sid, enterpriseAdmin: { name: 'Eve' } };
    const admin = { user: adminSid, password };
    if (face === 'the graph')
      await expect(inGraph({ graph: graphClient(gateway.fetch, admin) }, 'updateEnterprise', input)).rejects.toThrow('FORBIDDEN');
    else {
      const authorization = `Basic ${Buffer.from(`${adminSid}:${password}`).toString('base64')}`;
      const refused = await provider.rest.put(`/msteams/enterprises/${sid}`, { enterpriseAdmin: { name: 'Eve' } }, { authorization });
      expect(refused).toMatchObject({ status: 403, body: { errorCode: '403' } });
    }
    await done(provider, 'closeEnterprise', { sid });
    expect(await outcome(face, provider, 'updateEnterprise', input)).toEqual({ errorCode: '4053' });
  });
});

test.each(['nobody', 'a b@c.example', '@c.example'])('an address that is none is refused: %s', async (emailId) => {
  const { sid } = await enterprise();
  await expectRefusal(provider, 'updateEnterprise', { sid, enterpriseAdmin: { email: emailId } }, 'INVALID_PARAMETER', {
    message: 'Parameter enterpriseAdmin.email is invalid: must be an e-mail address',
    path: ['enterpriseAdmin', 'email'],
    value: emailId,
  });
});

test('an access token and an audit record name the admin who made them', async () => {
  const { adminSid, email, password } = await enterprise();
  const { data } = await clientOf(
    email,
    password,
  )(
    'mutation { createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { accessToken { adminSid admin { sid email } } } } }',
  );
  expect(data.createAccessToken.accessToken).toEqual({ adminSid, admin: { sid: adminSid, email } });
  const log = await provider.graph(
    '{ auditLog(first: 1, orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { action admin { email } } } }',
  );
  expect(log.data.auditLog.nodes).toEqual([{ action: 'ACCESS_TOKEN_CREATE', admin: { email } }]);
});
