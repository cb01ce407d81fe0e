import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAccount } from '../../../src/domain/access/accounts.ts';
import { accountSid } from '../../../src/domain/values/sid.ts';
import { done, faces, fresh, inRest, newBot, newEnterprise, newMapping, outcome } from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createRecordingRestcomm, type RecordingRestcomm } from '../../support/recording-restcomm.ts';

// ACTIVE ⇄ INACTIVE → CLOSED, and what follows an enterprise's state (teams-sms-api.txt, Business Customer Status).

let restcomm: RecordingRestcomm;
let gateway: TestGateway;
let provider: Provider;

beforeAll(async () => {
  restcomm = createRecordingRestcomm();
  gateway = await createTestGateway({ platforms: { restcomm } });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());
beforeEach(() => restcomm.reset());

async function seen(sid: string) {
  const { data } = await provider.graph(
    `{ enterprise(sid: "${sid}") { status admin { accountSid: restcommAccountSid status } mappings { nodes { operational } } } }`,
  );
  const { status, admin, mappings } = data.enterprise;
  return {
    status,
    admin: admin.status,
    platform: restcomm.accountStatus(admin.accountSid),
    operational: mappings.nodes.map((mapping: { operational: boolean }) => mapping.operational),
  };
}

test.each(faces)('the admin, its account on the platform and the mappings follow the enterprise’s status, on %s', async (face) => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise());
  const mapping = await done(provider, 'createMapping', newMapping(sid));
  expect(await seen(sid)).toEqual({ status: 'ACTIVE', admin: 'ACTIVE', platform: 'ACTIVE', operational: [true] });
  await outcome(face, provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
  expect(await seen(sid)).toEqual({ status: 'INACTIVE', admin: 'SUSPENDED', platform: 'INACTIVE', operational: [false] });
  await outcome(face, provider, 'updateEnterprise', { sid, status: 'ACTIVE' });
  expect(await seen(sid)).toEqual({ status: 'ACTIVE', admin: 'ACTIVE', platform: 'ACTIVE', operational: [true] });
  await done(provider, 'deleteMapping', { sid: mapping.sid });
  await outcome(face, provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
  await outcome(face, provider, 'closeEnterprise', { sid });
  expect(await seen(sid)).toEqual({ status: 'CLOSED', admin: 'CLOSED', platform: 'CLOSED', operational: [] });
});

test.each(faces)('an enterprise can be created INACTIVE, on %s', async (face) => {
  const { sid = '' } = await outcome(face, provider, 'createEnterprise', newEnterprise({ status: 'INACTIVE' }));
  expect(await seen(sid)).toEqual({ status: 'INACTIVE', admin: 'SUSPENDED', platform: 'INACTIVE', operational: [] });
});

test('an INACTIVE enterprise can be renamed and given mappings and a bot, which do not work yet', async () => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise({ status: 'INACTIVE' }));
  await done(provider, 'updateEnterprise', { sid, name: fresh.name() });
  await done(provider, 'createMapping', newMapping(sid));
  await done(provider, 'createBot', newBot(sid));
  expect(await seen(sid)).toMatchObject({ status: 'INACTIVE', operational: [false] });
});

test('a rename alone does not call the platform', async () => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise());
  restcomm.reset();
  await done(provider, 'updateEnterprise', { sid, name: fresh.name() });
  await done(provider, 'updateEnterprise', { sid });
  expect(restcomm.calls).toEqual([]);
});

test('REST accepts the status in any case, and leaves absent fields unchanged', async () => {
  const { sid, name } = await done(provider, 'createEnterprise', newEnterprise());
  expect((await inRest(provider, 'updateEnterprise', { sid, status: ' inactive ' })).body.data).toMatchObject({ name, status: 'INACTIVE' });
  const renamed = fresh.name();
  expect((await inRest(provider, 'updateEnterprise', { sid, name: renamed })).body.data).toMatchObject({
    name: renamed,
    status: 'INACTIVE',
  });
});

test('a closed enterprise’s bot and name remain readable', async () => {
  const { sid, name } = await done(provider, 'createEnterprise', newEnterprise());
  const bot = await done(provider, 'createBot', newBot(sid));
  await done(provider, 'closeEnterprise', { sid });
  const { data } = await provider.graph(`{ bot(sid: "${bot.sid}") { enterprise { name status } } }`);
  expect(data.bot.enterprise).toEqual({ name, status: 'CLOSED' });
});

describe('an account that the admin shares', () => {
  const shared = () => {
    const emailId = fresh.email();
    const input = () => newEnterprise({ enterpriseAdmin: { email: emailId, password: 'a-long-password' } });
    return { input, status: () => restcomm.accountStatus(accountSid(emailId)), emailId };
  };

  test("with another organization's admin is neither suspended nor closed while that one is ACTIVE", async () => {
    const other = await gateway.provider();
    const { input, status } = shared();
    const [here, there] = [await done(provider, 'createEnterprise', input()), await done(other, 'createEnterprise', input())];
    expect(await done(provider, 'updateEnterprise', { sid: here.sid, status: 'INACTIVE' })).toMatchObject({
      admin: { status: 'SUSPENDED' },
    });
    expect(status()).toBe('ACTIVE');
    expect(await done(provider, 'closeEnterprise', { sid: here.sid })).toMatchObject({ admin: { status: 'CLOSED' } });
    expect(status()).toBe('ACTIVE');
    await done(other, 'closeEnterprise', { sid: there.sid });
    expect(status()).toBe('CLOSED');
  });

  test('is suspended with the last of the enterprises, closed with the last, and activated with the first', async () => {
    const other = await gateway.provider();
    const { input, status } = shared();
    const [here, there] = [await done(provider, 'createEnterprise', input()), await done(other, 'createEnterprise', input())];
    await done(provider, 'updateEnterprise', { sid: here.sid, status: 'INACTIVE' });
    await done(other, 'updateEnterprise', { sid: there.sid, status: 'INACTIVE' });
    expect(status()).toBe('INACTIVE');
    await done(provider, 'updateEnterprise', { sid: here.sid, status: 'ACTIVE' });
    expect(status()).toBe('ACTIVE');
    await done(provider, 'closeEnterprise', { sid: here.sid });
    expect(status()).toBe('INACTIVE');
    await done(other, 'closeEnterprise', { sid: there.sid });
    expect(status()).toBe('CLOSED');
  });

  test("with a provider's own account is never suspended or closed", async () => {
    const { input, status, emailId } = shared();
    await createAccount(gateway.gateway, { email: emailId, organization: { sid: provider.organizationSid } });
    const { sid } = await done(provider, 'createEnterprise', input());
    restcomm.reset();
    await done(provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
    await done(provider, 'closeEnterprise', { sid });
    expect(status()).toBe('ACTIVE');
    expect(restcomm.calls).toEqual([]);
  });
});

test('each mutation of one document returns its own result, relations included', async () => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise());
  const change = (status: string) =>
    `updateEnterprise(input: { sid: "${sid}", status: ${status} }) { ... on UpdateEnterpriseSuccess { enterprise { status admin { status } } } }`;
  const add = `createMapping(input: { enterpriseSid: "${sid}", microsoftAddress: "${fresh.user()}", externalAddress: "${fresh.number()}" }) {
    ... on CreateMappingSuccess { mapping { operational enterprise { status mappingCount } } } }`;
  const { data } = await provider.graph(
    `mutation { a: ${change('INACTIVE')} b: ${add} c: ${change('ACTIVE')} d: ${add.replace('+49', '+48')} }`,
  );
  expect(data).toEqual({
    a: { enterprise: { status: 'INACTIVE', admin: { status: 'SUSPENDED' } } },
    b: { mapping: { operational: false, enterprise: { status: 'INACTIVE', mappingCount: 1 } } },
    c: { enterprise: { status: 'ACTIVE', admin: { status: 'ACTIVE' } } },
    d: { mapping: { operational: true, enterprise: { status: 'ACTIVE', mappingCount: 2 } } },
  });
});
