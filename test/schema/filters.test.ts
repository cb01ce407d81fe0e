import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { done, fresh, newEnterprise, newMapping } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

// What only the graph filters by. What REST filters by, too, is in test/parity/lists.test.ts.

let gateway: TestGateway;
let provider: Provider;
let stranger: Provider;
const enterprises: string[] = [];
const mappings: string[] = [];
const day = (number: number) => new Date(Date.UTC(2026, 9, number)).toISOString();

beforeAll(async () => {
  gateway = await createTestGateway();
  [provider, stranger] = [await gateway.provider(), await gateway.provider()];
  const { prisma } = gateway.database;
  for (const microsoftAddress of ['ann@Kohl.example', 'ben@sub.kohl.example', 'cem@lang.example']) {
    const { sid } = await done(provider, 'createEnterprise', newEnterprise());
    enterprises.push(sid);
    mappings.push((await done(provider, 'createMapping', newMapping(sid, { microsoftAddress }))).sid);
  }
  await done(provider, 'updateEnterprise', { sid: enterprises[2], status: 'INACTIVE' });
  const { organizationSid, accountSid } = provider;
  const bodies = ['Hello, are you open?', 'The 100% offer', 'GRÜSSE aus Köln', 'hel_lo', ''];
  for (const [index, body] of bodies.entries()) {
    await prisma.message.create({
      data: {
        ...{
          sid: `MS${index}`,
          organizationSid,
          accountSid,
          enterpriseSid: enterprises[index % 3] as string,
          mappingSid: mappings[index % 3],
        },
        ...{ from: 'a', fromFolded: 'a', to: 'b', toFolded: 'b', direction: 'INBOUND', body, restcommMessageSid: `SM${index}` },
        ...{ channelStatus: index % 2 ? 'SENT' : 'DELIVERED', statusRank: 2, dateCreated: day(1), dateUpdated: day(index + 1) },
      },
    });
  }
});
afterAll(() => gateway.close());

async function found(list: 'messages' | 'mappings' | 'enterprises', filter: object, { graph }: Pick<Provider, 'graph'> = provider) {
  const type = { messages: 'MessageFilter', mappings: 'MappingFilter', enterprises: 'EnterpriseFilter' }[list];
  const { data, errors } = await graph(`query ($filter: ${type}) { ${list}(filter: $filter) { totalCount nodes { sid } } }`, { filter });
  if (errors) return errors.map(({ extensions }) => extensions?.code);
  const sids = data[list].nodes.map(({ sid }: { sid: string }) => sid);
  expect(data[list].totalCount).toBe(sids.length);
  return sids;
}

describe('messages are filtered', () => {
  test.each([
    ['hello', ['MS0']],
    [' HELLO ', ['MS0']],
    ['100%', ['MS1']],
    ['00%', ['MS1']],
    ['l_l', ['MS3']],
    ['grüsse', ['MS2']],
    ['nothing of it', []],
  ])('by a part of their text, in any case and without wildcards: %j', async (body, sids) => {
    expect(await found('messages', { body })).toEqual(sids);
  });

  test('by their own text in any script, as it is and in the other composition', async () => {
    const { organizationSid, accountSid } = stranger;
    const { sid: enterpriseSid } = await done(stranger, 'createEnterprise', newEnterprise());
    const word = fc.array(fc.constantFrom(...'AbzßẞñÑéÅΣσςΓώΊЙйҐİıŞğ각한आ़क्षกำ中ﬀ🙂e\u0301o\u0308A\u030a%_\\'), {
      minLength: 1,
      maxLength: 8,
    });
    const text = word.map((letters) => `Σας ${letters.join('').trim()}.`);
    const bodies = ['Γιώργος', 'İstanbul', 'Ångström'.normalize('NFD'), ...fc.sample(text, { numRuns: 9, seed: 15 })];
    const data = bodies.map((body, index) => ({
      ...{ sid: `MSown${index}`, organizationSid, accountSid, enterpriseSid, from: 'a', fromFolded: 'a', to: 'b', toFolded: 'b', body },
      ...({ direction: 'INBOUND', channelStatus: 'FAILED', statusRank: 2, channelErrorCode: body, channelErrorMessage: body } as const),
    }));
    await gateway.database.prisma.message.createMany({ data });
    for (const [index, body] of bodies.entries()) {
      const otherwise = [body.normalize('NFC'), body.normalize('NFD')];
      const forms = otherwise.includes(body) ? otherwise : [body];
      const inErrors = index < 3 ? [{ channelErrorCode: body }, { channelErrorMessage: body }] : [];
      for (const filter of [...forms.map((form) => ({ body: form })), ...inErrors])
        expect(await found('messages', filter, stranger), body).toContain(`MSown${index}`);
    }
    await gateway.database.prisma.message.deleteMany({ where: { enterpriseSid } });
  });

  test('by no part of fewer than three characters; a blank one filters nothing', async () => {
    for (const body of ['l', 'lo', ' lo ']) expect(await found('messages', { body })).toEqual(['INVALID_PARAMETER']);
    expect(await found('messages', { body: 'a\0b' })).toEqual(['INVALID_PARAMETER']);
    expect(await found('messages', { body: '  ' })).toHaveLength(5);
  });

  test('by the platform’s sid, as a whole', async () => {
    expect(await found('messages', { restcommMessageSid: ' SM3 ' })).toEqual(['MS3']);
    for (const restcommMessageSid of ['SM', 'SM33', '%']) expect(await found('messages', { restcommMessageSid })).toEqual([]);
    expect(await found('messages', { restcommMessageSid: '\0' })).toEqual(['INVALID_PARAMETER']);
  });

  test('by statuses', async () => {
    expect(await found('messages', { statuses: ['SENT'] })).toEqual(['MS1', 'MS3']);
    expect(await found('messages', { statuses: ['SENT', 'DELIVERED'] })).toHaveLength(5);
    expect(await found('messages', { statuses: [] })).toEqual([]);
  });

  test('by their last change, both bounds inclusive', async () => {
    expect(await found('messages', { updatedFrom: day(3) })).toEqual(['MS2', 'MS3', 'MS4']);
    expect(await found('messages', { updatedTo: day(2) })).toEqual(['MS0', 'MS1']);
    expect(await found('messages', { updatedFrom: day(2), updatedTo: day(3), createdTo: day(9) })).toEqual(['MS1', 'MS2']);
    expect(await found('messages', { updatedFrom: day(2), createdTo: new Date(0).toISOString() })).toEqual([]);
  });

  test('within the organization only', async () => {
    expect(await found('messages', { restcommMessageSid: 'SM3' }, stranger)).toEqual([]);
    expect(await found('messages', { body: 'hello' }, stranger)).toEqual([]);
  });
});

describe('mappings are filtered', () => {
  test('by the whole domain of their user', async () => {
    expect(await found('mappings', { domain: 'KOHL.example' })).toEqual([mappings[0]]);
    expect(await found('mappings', { domain: 'example' })).toEqual([]);
    expect(await found('mappings', { domain: 'a\0b' })).toEqual(['INVALID_PARAMETER']);
    expect(await found('mappings', { domain: 'kohl.example' }, stranger)).toEqual([]);
  });

  test('by whether they are operational, also within an enterprise', async () => {
    expect(await found('mappings', { operational: true })).toEqual(mappings.slice(0, 2));
    expect(await found('mappings', { operational: false })).toEqual(mappings.slice(2));
    expect(await found('mappings', { operational: false, domain: 'kohl.example' })).toEqual([]);
    const { data } = await provider.graph(
      '{ enterprises { nodes { yes: mappings(filter: { operational: true }) { totalCount } no: mappings(filter: { operational: false }) { nodes { operational } } } } }',
    );
    const operating = { yes: { totalCount: 1 }, no: { nodes: [] } };
    expect(data.enterprises.nodes).toEqual([operating, operating, { yes: { totalCount: 0 }, no: { nodes: [{ operational: false }] } }]);
  });

  test('by their last change', async () => {
    const before = new Date().toISOString();
    await done(provider, 'updateMapping', { sid: mappings[1] as string, name: fresh.name() });
    expect(await found('mappings', { updatedFrom: before })).toEqual([mappings[1]]);
    expect(await found('enterprises', { updatedFrom: before })).toEqual([]);
  });
});
