import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mappingOfSecret } from '../../src/domain/mappings/webhooks.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createRecordingRestcomm, type RecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, type Face, faces, fresh, type Input, type MutationName, newBot, newEnterprise, newMapping, outcome } from './faces.ts';

// What the unique indexes and row locks hold when many ask at once, through both faces alternately.

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

/** Asks at once, on both faces alternately. Returns each outcome and how often, with successes as `done`. */
async function atOnce(asks: readonly (readonly [MutationName, Input])[]): Promise<Record<string, number>> {
  const outcomes = await Promise.all(asks.map(([name, input], index) => outcome(faces[index % 2] as Face, provider, name, input)));
  const counts: Record<string, number> = {};
  for (const { errorCode = 'done' } of outcomes) counts[errorCode] = (counts[errorCode] ?? 0) + 1;
  return counts;
}
const times = <Ask>(count: number, ask: (index: number) => Ask): Ask[] => Array.from({ length: count }, (_, index) => ask(index));
const twenty = <Ask>(ask: (index: number) => Ask) => times(20, ask);

const enterprise = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid as string;

describe('of 20 simultaneous requests', () => {
  test('for one enterprise name exactly one succeeds, the others are 4050', async () => {
    const name = fresh.name();
    const asks = twenty((index) => ['createEnterprise', newEnterprise({ name: index % 2 ? name : name.toUpperCase() })] as const);
    expect(await atOnce(asks)).toEqual({ done: 1, 4050: 19 });
    expect(await gateway.gateway.prisma.enterprise.count({ where: { nameFolded: name.toLowerCase() } })).toBe(1);
  });

  test('for one admin e-mail exactly one succeeds, the others are 4001', async () => {
    const emailId = fresh.email();
    const asks = twenty(
      () => ['createEnterprise', newEnterprise({ enterpriseAdmin: { email: emailId, password: 'a-long-password' } })] as const,
    );
    expect(await atOnce(asks)).toEqual({ done: 1, 4001: 19 });
    expect(await gateway.gateway.prisma.enterpriseAdmin.count({ where: { email: emailId } })).toBe(1);
  });

  test('for one number exactly one succeeds, the others are 482, and the number stays enabled for the one', async () => {
    const enterpriseSid = await enterprise();
    const externalAddress = fresh.number();
    const written = (index: number) => (index % 2 ? externalAddress : externalAddress.slice(1));
    const asks = twenty((index) => ['createMapping', newMapping(enterpriseSid, { externalAddress: written(index) })] as const);
    expect(await atOnce(asks)).toEqual({ done: 1, 482: 19 });
    const mapped = await gateway.gateway.prisma.mapping.findMany({ where: { externalDigits: externalAddress.slice(1) } });
    expect(mapped).toHaveLength(1);
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
    expect(routedTo(externalAddress)).toBe(mapped[0]?.sid);
  });

  test('for one enterprise’s bot exactly one succeeds, the others are 483', async () => {
    const enterpriseSid = await enterprise();
    expect(await atOnce(twenty(() => ['createBot', newBot(enterpriseSid)] as const))).toEqual({ done: 1, 483: 19 });
  });

  test('that delete one mapping exactly one succeeds, the others are 480', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    expect(await atOnce(twenty(() => ['deleteMapping', { sid }] as const))).toEqual({ done: 1, 480: 19 });
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(false);
  });

  test('that delete one bot exactly one succeeds, the others are 481', async () => {
    const { sid } = await done(provider, 'createBot', newBot(await enterprise()));
    expect(await atOnce(twenty(() => ['deleteBot', { sid }] as const))).toEqual({ done: 1, 481: 19 });
  });

  test('that close one enterprise exactly one succeeds, the others are 4053', async () => {
    const sid = await enterprise();
    expect(await atOnce(twenty(() => ['closeEnterprise', { sid }] as const))).toEqual({ done: 1, 4053: 19 });
    expect(restcomm.calls.filter(([call]) => call === 'setAccountStatus')).toHaveLength(1);
  });

  test('with one idempotency key one is performed, and all 20 have the same result', async () => {
    const input = newEnterprise({ idempotencyKey: fresh.key() });
    const answers = await Promise.all(twenty((index) => outcome(faces[index % 2] as Face, provider, 'createEnterprise', input)));
    expect(new Set(answers.map(({ sid }) => sid)).size).toBe(1);
    expect(answers[0]?.errorCode).toBeUndefined();
    expect(await gateway.gateway.prisma.enterprise.count({ where: { name: String(input.name) } })).toBe(1);
    expect(restcomm.calls).toHaveLength(1);
  });
});

test('of simultaneous renames to one name exactly one succeeds, the others are 4050', async () => {
  const name = fresh.name();
  const sids = await Promise.all(times(8, enterprise));
  expect(await atOnce(sids.map((sid) => ['updateEnterprise', { sid, name }] as const))).toEqual({ done: 1, 4050: 7 });
});

test('of simultaneous changes to one number exactly one succeeds, the others are 482 and keep theirs, enabled', async () => {
  const enterpriseSid = await enterprise();
  const mappings = await Promise.all(times(8, () => done(provider, 'createMapping', newMapping(enterpriseSid))));
  const externalAddress = fresh.number();
  expect(await atOnce(mappings.map(({ sid }) => ['updateMapping', { sid, externalAddress }] as const))).toEqual({ done: 1, 482: 7 });
  await expectPlatformAsStored(...mappings.map((mapping) => mapping.externalAddress), externalAddress);
});

test('an enterprise that is closed while mappings and a bot are created is not CLOSED with mappings', async () => {
  for (let round = 0; round < 3; round++) {
    const sid = await enterprise();
    const asks = twenty((index): [MutationName, Input] =>
      index % 4 === 2 ? ['closeEnterprise', { sid }] : index === 0 ? ['createBot', newBot(sid)] : ['createMapping', newMapping(sid)],
    );
    const counts = await atOnce(asks);
    expect(Object.keys(counts).filter((code) => !['done', '4052', '4053'].includes(code))).toEqual([]);
    const { status } = await gateway.gateway.prisma.enterprise.findUniqueOrThrow({ where: { sid } });
    const mappings = await gateway.gateway.prisma.mapping.findMany({ where: { enterpriseSid: sid } });
    if (status === 'CLOSED') expect(mappings).toEqual([]);
    const asked = asks.map(([, input]) => String(input.externalAddress)).filter((number) => number !== 'undefined');
    for (const number of asked) {
      expect(restcomm.isSmsEnabled(number)).toBe(mappings.some(({ externalAddress }) => externalAddress === number));
    }
  }
});

test('closing with deleteMappings while mappings are created ends CLOSED without any, or open', async () => {
  const sid = await enterprise();
  const asks = twenty((index): [MutationName, Input] =>
    index === 10 ? ['closeEnterprise', { sid, deleteMappings: true }] : ['createMapping', newMapping(sid)],
  );
  await Promise.all(asks.map(([name, input]) => outcome('the graph', provider, name, input)));
  await done(provider, 'closeEnterprise', { sid, deleteMappings: true }).catch(() => undefined);
  expect(await gateway.gateway.prisma.enterprise.findUniqueOrThrow({ where: { sid } })).toMatchObject({ status: 'CLOSED' });
  expect(await gateway.gateway.prisma.mapping.count({ where: { enterpriseSid: sid } })).toBe(0);
});

test('simultaneous changes of different parts of one mapping all take effect', async () => {
  const { sid, externalAddress: before } = await done(provider, 'createMapping', newMapping(await enterprise()));
  const change = { name: 'Ann', microsoftAddress: fresh.user(), externalAddress: fresh.number() };
  const asks = Object.entries(change).map(([field, value]) => ['updateMapping', { sid, [field]: value }] as const);
  expect(await atOnce(asks)).toEqual({ done: 3 });
  const { data } = await provider.graph(`{ mapping(sid: "${sid}") { name microsoftAddress externalAddress } }`);
  expect(data.mapping).toEqual(change);
  expect([restcomm.isSmsEnabled(before), restcomm.isSmsEnabled(change.externalAddress)]).toEqual([false, true]);
});

test('simultaneous changes of one mapping to different numbers leave one of them enabled', async () => {
  const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
  const numbers = times(6, fresh.number);
  expect(await atOnce(numbers.map((number) => ['updateMapping', { sid, externalAddress: number }] as const))).toEqual({ done: 6 });
  await expectPlatformAsStored(externalAddress, ...numbers);
});

test('a mapping that is changed and deleted at once leaves no number enabled', async () => {
  for (let round = 0; round < 5; round++) {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const number = fresh.number();
    const counts = await atOnce([
      ['updateMapping', { sid, externalAddress: number }],
      ['deleteMapping', { sid }],
    ]);
    expect([{ done: 2 }, { done: 1, 480: 1 }]).toContainEqual(counts);
    expect(await gateway.gateway.prisma.mapping.count({ where: { sid } })).toBe(0);
    await expectPlatformAsStored(externalAddress, number);
  }
});

test('a number that moves from a deleted mapping to a new one stays enabled', async () => {
  const enterpriseSid = await enterprise();
  for (let round = 0; round < 5; round++) {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(enterpriseSid));
    const create = ['createMapping', newMapping(enterpriseSid, { externalAddress })] as const;
    const counts = await atOnce([
      ['deleteMapping', { sid }],
      create,
      ['deleteMapping', { sid }],
      create,
      ['deleteMapping', { sid }],
      create,
    ]);
    expect(counts).toMatchObject({ 480: 2 });
    await expectPlatformAsStored(externalAddress);
  }
});

test('a bot that is changed and deleted at once is changed or not found', async () => {
  for (let round = 0; round < 5; round++) {
    const { sid } = await done(provider, 'createBot', newBot(await enterprise()));
    const asks = twenty((index): [MutationName, Input] =>
      index === 5 ? ['deleteBot', { sid }] : ['updateBot', { sid, tenantId: `tenant-${index}` }],
    );
    const counts = await atOnce(asks);
    expect(Object.keys(counts).filter((code) => !['done', '481'].includes(code))).toEqual([]);
    expect(await gateway.gateway.prisma.bot.count({ where: { sid } })).toBe(0);
  }
});

/** The sid of the mapping whose webhook the number's SMS go to. */
function routedTo(number: string): string | undefined {
  const url = restcomm.smsUrl(number) ?? '';
  return mappingOfSecret(gateway.gateway, /\/webhooks\/restcomm\/([0-9a-f]+)\/sms$/.exec(url)?.[1] ?? '');
}

/** Each number is enabled, for its mapping, exactly where it has one. */
async function expectPlatformAsStored(...numbers: string[]): Promise<void> {
  for (const number of numbers) {
    const mapping = await gateway.gateway.prisma.mapping.findFirst({ where: { externalAddress: number } });
    expect([number, restcomm.isSmsEnabled(number)]).toEqual([number, mapping !== null]);
    if (mapping) expect(routedTo(number)).toBe(mapping.sid);
  }
}
