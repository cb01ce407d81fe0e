import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { accountSid } from '../../../src/domain/values/sid.ts';
import {
  done,
  type Face,
  faces,
  fresh,
  type Input,
  inGraph,
  inRest,
  type MutationName,
  newEnterprise,
  newMapping,
} from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createRecordingRestcomm, REFUSAL, type RecordingRestcomm } from '../../support/recording-restcomm.ts';

// docs/adr/0004: a refusal at any step leaves nothing half done, and the same request repairs what a crash left.

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

const enterprise = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid as string;

/** Everything that is stored of enterprises and mappings. */
async function stored() {
  const { prisma } = gateway.gateway;
  const orderBy = { sid: 'asc' } as const;
  return {
    enterprises: await prisma.enterprise.findMany({ orderBy }),
    admins: await prisma.enterpriseAdmin.findMany({ orderBy }),
    mappings: await prisma.mapping.findMany({ orderBy }),
  };
}

async function refused(face: Face, name: MutationName, input: Input): Promise<void> {
  if (face === 'REST')
    expect(await inRest(provider, name, input)).toMatchObject({ status: 400, body: { errorCode: '452', message: REFUSAL } });
  else
    expect(await inGraph(provider, name, input)).toMatchObject({ __typename: 'PlatformError', code: 'PLATFORM_ERROR', message: REFUSAL });
}

describe.each(faces)('on %s', (face) => {
  test('if a sub-account is refused, no enterprise is created', async () => {
    const input = newEnterprise();
    const before = await stored();
    restcomm.refuse('createSubAccount');
    await refused(face, 'createEnterprise', input);
    expect(await stored()).toEqual(before);
    restcomm.reset();
    await done(provider, 'createEnterprise', input);
  });

  test('if a suspension is refused, no INACTIVE enterprise is created, and the new account is linked the next time', async () => {
    const emailId = `suspended-${face.length}@newcomer.example`;
    const input = newEnterprise({ status: 'INACTIVE', enterpriseAdmin: { email: emailId, password: 'a-long-password' } });
    const before = await stored();
    restcomm.refuse('setAccountStatus');
    await refused(face, 'createEnterprise', input);
    expect(await stored()).toEqual(before);
    expect(restcomm.accountStatus(accountSid(emailId))).toBe('ACTIVE');
    restcomm.reset();
    expect(await done(provider, 'createEnterprise', input)).toMatchObject({ status: 'INACTIVE', admin: { status: 'SUSPENDED' } });
    expect(restcomm.accountStatus(accountSid(emailId))).toBe('INACTIVE');
  });

  test('if a status is refused, the rename is rolled back too', async () => {
    const sid = await enterprise();
    const before = await stored();
    restcomm.refuse('setAccountStatus');
    await refused(face, 'updateEnterprise', { sid, name: fresh.name(), status: 'INACTIVE' });
    expect(await stored()).toEqual(before);
    restcomm.reset();
    await done(provider, 'updateEnterprise', { sid, name: fresh.name(), status: 'INACTIVE' });
  });

  test('if a closing is refused, the enterprise and its admin stay unchanged', async () => {
    const sid = await enterprise();
    const before = await stored();
    restcomm.refuse('setAccountStatus');
    await refused(face, 'closeEnterprise', { sid });
    expect(await stored()).toEqual(before);
    restcomm.reset();
    await done(provider, 'closeEnterprise', { sid });
  });

  test('a number that cannot be enabled is not mapped', async () => {
    const input = newMapping(await enterprise());
    const before = await stored();
    restcomm.refuse('enableSms');
    await refused(face, 'createMapping', input);
    expect(await stored()).toEqual(before);
    expect(restcomm.isSmsEnabled(String(input.externalAddress))).toBe(false);
    restcomm.reset();
    await done(provider, 'createMapping', input);
  });

  test.each(['enableSms', 'disableSms'] as const)('a number that cannot be changed stays if the platform refuses %s', async (call) => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const number = fresh.number();
    const before = await stored();
    restcomm.refuse(call, call === 'enableSms' ? number : externalAddress);
    await refused(face, 'updateMapping', { sid, name: 'Other', externalAddress: number });
    expect(await stored()).toEqual(before);
    expect([restcomm.isSmsEnabled(externalAddress), restcomm.isSmsEnabled(number)]).toEqual([true, false]);
    restcomm.reset();
    await done(provider, 'updateMapping', { sid, name: 'Other', externalAddress: number });
    expect([restcomm.isSmsEnabled(externalAddress), restcomm.isSmsEnabled(number)]).toEqual([false, true]);
  });

  test('a number that cannot be released stays mapped', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const before = await stored();
    restcomm.refuse('disableSms');
    await refused(face, 'deleteMapping', { sid });
    expect(await stored()).toEqual(before);
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
    restcomm.reset();
    await done(provider, 'deleteMapping', { sid });
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(false);
  });
});

describe('a change that the database refuses leaves the platform unchanged', () => {
  test('if it is refused before the platform is called', async () => {
    const { name, admin } = await done(provider, 'createEnterprise', newEnterprise());
    restcomm.reset();
    await inGraph(provider, 'createEnterprise', newEnterprise({ name }));
    await inGraph(provider, 'createEnterprise', newEnterprise({ enterpriseAdmin: { email: admin.email, password: 'x' } }));
    await inGraph(provider, 'createMapping', newMapping('EN1'));
    await inGraph(provider, 'createEnterprise', newEnterprise({ name: '' }));
    expect(restcomm.calls).toEqual([]);
  });

  test('if it is refused afterwards: a number enabled for a mapping of an enterprise that was closed meanwhile is released', async () => {
    const sid = await enterprise();
    const input = newMapping(sid);
    restcomm.onCall = async () => {
      await done(provider, 'closeEnterprise', { sid });
    };
    expect(await inGraph(provider, 'createMapping', input)).toMatchObject({ code: 'ENTERPRISE_CLOSED' });
    expect(restcomm.isSmsEnabled(String(input.externalAddress))).toBe(false);
  });

  test('if it is refused afterwards: a number enabled for a change that lost to another mapping stays with that mapping', async () => {
    const sid = await enterprise();
    const mapping = await done(provider, 'createMapping', newMapping(sid));
    const externalAddress = fresh.number();
    let faster = '';
    restcomm.onCall = async () => {
      faster = (await done(provider, 'createMapping', newMapping(sid, { externalAddress }))).sid;
    };
    expect(await inGraph(provider, 'updateMapping', { sid: mapping.sid, externalAddress })).toMatchObject({
      code: 'EXTERNAL_ADDRESS_NOT_UNIQUE',
    });
    expect(restcomm.isSmsEnabled(mapping.externalAddress)).toBe(true);
    expect(restcomm.smsUrl(externalAddress)).toContain(faster.slice(2));
  });
});

describe('a concurrent change during the call of the platform is not undone', () => {
  test('a number that was deleted and mapped again before a second deletion stays enabled', async () => {
    const enterpriseSid = await enterprise();
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(enterpriseSid));
    let anew = '';
    restcomm.onCall = async () => {
      await done(provider, 'deleteMapping', { sid });
      anew = (await done(provider, 'createMapping', newMapping(enterpriseSid, { externalAddress }))).sid;
    };
    expect(await inGraph(provider, 'deleteMapping', { sid })).toMatchObject({ code: 'MAPPING_NOT_FOUND' });
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
    expect(restcomm.smsUrl(externalAddress)).toContain(anew.slice(2));
  });

  test('a mapping that got another number is deleted with that number', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const number = fresh.number();
    restcomm.onCall = async () => {
      await done(provider, 'updateMapping', { sid, externalAddress: number });
    };
    expect(await done(provider, 'deleteMapping', { sid })).toMatchObject({ externalAddress: number });
    expect([restcomm.isSmsEnabled(externalAddress), restcomm.isSmsEnabled(number)]).toEqual([false, false]);
  });

  test('a deleted mapping gets no number', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const number = fresh.number();
    restcomm.onCall = async () => {
      await done(provider, 'deleteMapping', { sid });
    };
    expect(await inGraph(provider, 'updateMapping', { sid, externalAddress: number })).toMatchObject({ code: 'MAPPING_NOT_FOUND' });
    expect([restcomm.isSmsEnabled(externalAddress), restcomm.isSmsEnabled(number)]).toEqual([false, false]);
  });

  test('a renamed mapping keeps its name', async () => {
    const { sid } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const externalAddress = fresh.number();
    restcomm.onCall = async () => {
      await done(provider, 'updateMapping', { sid, name: 'Ann' });
    };
    expect(await done(provider, 'updateMapping', { sid, externalAddress })).toMatchObject({ name: 'Ann', externalAddress });
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
  });
});

describe('a difference that a crash left between the platform and the database is repaired by repeating the request', () => {
  test('a sub-account without its enterprise is linked', async () => {
    const emailId = 'crashed@newcomer.example';
    await restcomm.createSubAccount({ email: emailId, password: 'a-long-password', friendlyName: emailId });
    const { admin } = await done(
      provider,
      'createEnterprise',
      newEnterprise({ enterpriseAdmin: { email: emailId, password: 'a-long-password' } }),
    );
    expect(admin.accountSid).toBe(accountSid(emailId));
  });

  test('an enabled number without its mapping is mapped', async () => {
    const input = newMapping(await enterprise());
    await restcomm.enableSms(String(input.externalAddress), 'http://gateway.test/of-a-mapping-that-never-was');
    const { sid } = await done(provider, 'createMapping', input);
    expect(restcomm.smsUrl(String(input.externalAddress))).toContain(sid.slice(2));
  });

  test('a closed account of an open enterprise: the enterprise can be closed', async () => {
    const { sid, admin } = await done(provider, 'createEnterprise', newEnterprise());
    await restcomm.setAccountStatus(admin.accountSid, 'CLOSED');
    expect(await done(provider, 'closeEnterprise', { sid })).toMatchObject({ status: 'CLOSED', admin: { status: 'CLOSED' } });
  });

  test('a number that was released although its mapping exists: the mapping can be deleted', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    await restcomm.disableSms(externalAddress);
    await done(provider, 'deleteMapping', { sid });
  });
});

describe('closing with deleteMappings', () => {
  test('deletes the mappings, releases their numbers and closes the enterprise', async () => {
    const sid = await enterprise();
    const numbers = [];
    for (let count = 0; count < 3; count++) numbers.push((await done(provider, 'createMapping', newMapping(sid))).externalAddress);
    restcomm.reset();
    expect(await done(provider, 'closeEnterprise', { sid, deleteMappings: true })).toMatchObject({ status: 'CLOSED' });
    expect(restcomm.calls.map(([call]) => call)).toEqual(['disableSms', 'disableSms', 'disableSms', 'setAccountStatus']);
    expect(numbers.map((number) => restcomm.isSmsEnabled(number))).toEqual([false, false, false]);
    expect(await gateway.gateway.prisma.mapping.count({ where: { enterpriseSid: sid } })).toBe(0);
  });

  test('stops if the platform fails to release a number, leaves the rest unchanged, and continues when repeated', async () => {
    const sid = await enterprise();
    const numbers: string[] = [];
    for (let count = 0; count < 3; count++) numbers.push((await done(provider, 'createMapping', newMapping(sid))).externalAddress);
    restcomm.refuse('disableSms', numbers[1]);
    await refused('the graph', 'closeEnterprise', { sid, deleteMappings: true });
    expect(numbers.map((number) => restcomm.isSmsEnabled(number))).toEqual([false, true, true]);
    const { data } = await provider.graph(`{ enterprise(sid: "${sid}") { status mappings { nodes { externalAddress } } } }`);
    expect(data.enterprise).toMatchObject({
      status: 'ACTIVE',
      mappings: { nodes: numbers.slice(1).map((externalAddress) => ({ externalAddress })) },
    });
    restcomm.reset();
    expect(await done(provider, 'closeEnterprise', { sid, deleteMappings: true })).toMatchObject({ status: 'CLOSED' });
  });

  test('leaves the mappings of other enterprises and organizations unchanged', async () => {
    const stranger = await gateway.provider();
    const [sid, other] = [await enterprise(), await enterprise()];
    const { externalAddress } = await done(provider, 'createMapping', newMapping(other));
    const own = await done(provider, 'createMapping', newMapping(sid));
    expect(await inGraph(stranger, 'closeEnterprise', { sid, deleteMappings: true })).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND' });
    expect(restcomm.isSmsEnabled(own.externalAddress)).toBe(true);
    await done(provider, 'closeEnterprise', { sid, deleteMappings: true });
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
  });

  test('an enterprise with mappings stays open if the flag is absent or false', async () => {
    const sid = await enterprise();
    await done(provider, 'createMapping', newMapping(sid));
    for (const deleteMappings of [undefined, false, null]) {
      expect(await inGraph(provider, 'closeEnterprise', { sid, deleteMappings })).toMatchObject({ code: 'ENTERPRISE_HAS_MAPPINGS' });
    }
  });
});
