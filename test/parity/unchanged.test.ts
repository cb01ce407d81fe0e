import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, faces, fresh, type Input, inRest, type MutationName, newBot, newEnterprise, newMapping } from './faces.ts';

// dateUpdated says when something last changed, and the audit log who changed it: an update that changes nothing moves neither.

let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm: createRecordingRestcomm() } });
  provider = await gateway.provider();
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
});
afterAll(() => gateway.close());

const LONG_AGO = new Date('2020-11-05T11:59:34.000Z');

const entities = {
  enterprise: {
    update: 'updateEnterprise',
    create: () => done(provider, 'createEnterprise', newEnterprise({ enterpriseAdmin: { ...adminInput(), name: 'Ann' } })),
    stored: (sid: string) => gateway.database.prisma.enterprise.findUniqueOrThrow({ where: { sid } }),
    age: (sid: string) => gateway.database.prisma.enterprise.update({ where: { sid }, data: { dateUpdated: LONG_AGO } }),
  },
  mapping: {
    update: 'updateMapping',
    create: () => done(provider, 'createMapping', newMapping(enterpriseSid, { name: 'Ann' })),
    stored: (sid: string) => gateway.database.prisma.mapping.findUniqueOrThrow({ where: { sid } }),
    age: (sid: string) => gateway.database.prisma.mapping.update({ where: { sid }, data: { dateUpdated: LONG_AGO } }),
  },
  bot: {
    update: 'updateBot',
    create: async () => done(provider, 'createBot', newBot((await done(provider, 'createEnterprise', newEnterprise())).sid)),
    stored: (sid: string) => gateway.database.prisma.bot.findUniqueOrThrow({ where: { sid } }),
    age: (sid: string) => gateway.database.prisma.bot.update({ where: { sid }, data: { dateUpdated: LONG_AGO } }),
  },
} as const;
const adminInput = () => ({ email: fresh.email(), password: 'a-long-password' });

type Row = Readonly<Record<string, unknown>>;
const other = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid;

/** What an update may send: the value that the entity has, in the forms that mean the same, and another one. */
const fields: readonly [keyof typeof entities, field: string, same: (row: Row) => readonly unknown[], another: () => unknown][] = [
  ['enterprise', 'name', ({ name }) => [name, ` ${name}\r\n`], fresh.name],
  ['enterprise', 'status', () => ['ACTIVE'], () => 'INACTIVE'],
  ['enterprise', 'enterpriseAdmin', () => [{}, { name: 'Ann' }, { name: ' Ann ' }], () => ({ name: fresh.name() })],
  ['enterprise', 'enterpriseAdmin', () => [{}], () => ({ email: fresh.email() })],
  ['mapping', 'name', ({ name }) => [name, ` ${name} `], fresh.name],
  ['mapping', 'microsoftAddress', ({ microsoftAddress }) => [microsoftAddress, `${microsoftAddress} `], fresh.user],
  ['mapping', 'externalAddress', ({ externalAddress }) => [externalAddress, ` ${externalAddress}`], fresh.number],
  ['mapping', 'enterpriseSid', ({ enterpriseSid }) => [enterpriseSid], other],
  ['bot', 'applicationId', ({ applicationId }) => [applicationId, ` ${applicationId}`], fresh.name],
  ['bot', 'tenantId', ({ tenantId }) => [tenantId], fresh.name],
  ['bot', 'botAppId', ({ botAppId }) => [botAppId], fresh.name],
  ['bot', 'clientSecret', () => ['a-client-secret', '••••cret'], fresh.name],
  ['bot', 'enterpriseSid', ({ enterpriseSid }) => [enterpriseSid], other],
];

/** The graph's client reads client secrets, which is recorded, too. */
const audited = (sid: string) =>
  gateway.database.prisma.auditLog.count({ where: { targetSid: sid, action: { not: 'bot.clientSecret.read' } } });

async function update(face: (typeof faces)[number], name: MutationName, input: Input): Promise<void> {
  if (face === 'the graph') await done(provider, name, input);
  else expect(await inRest(provider, name, input)).toMatchObject({ status: 200 });
}

describe.each(faces)('on %s', (face) => {
  test.each(fields)('an update of the %s’s %s moves dateUpdated only if it changes something', async (kind, field, same, another) => {
    const { create, stored, age, update: operation } = entities[kind];
    const { sid } = await create();
    await age(sid);
    const before = await stored(sid);
    const records = await audited(sid);
    for (const value of [null, ...same(before as Row)]) {
      await update(face, operation, { sid, [field]: value });
      expect(await stored(sid), JSON.stringify(value)).toEqual(before);
    }
    expect(await audited(sid)).toBe(records);
    const value = await another();
    await update(face, operation, { sid, [field]: value });
    const changed = await stored(sid);
    expect(changed.dateUpdated.getTime()).toBeGreaterThan(LONG_AGO.getTime());
    expect(changed.dateCreated).toEqual(before.dateCreated);
    expect(await audited(sid)).toBe(records + 1);
  });
});
