import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { done, newBot, newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';

let gateway: TestGateway;
let provider: Provider;
let bots: string[];

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm: createRecordingRestcomm() } });
  provider = await gateway.provider();
  bots = [];
  for (let count = 0; count < 3; count++) {
    const { sid } = await done(provider, 'createEnterprise', newEnterprise());
    const { data } = await provider.graph(
      'mutation ($input: CreateBotInput!) { createBot(input: $input) { ... on CreateBotSuccess { bot { sid } } } }',
      {
        input: newBot(sid),
      },
    );
    bots.push(data.createBot.bot.sid);
  }
});
afterAll(() => gateway.close());

/** The readings that `work` adds to the provider's audit log. */
async function audited(work: () => Promise<unknown>) {
  const readings = () =>
    gateway.gateway.prisma.auditLog.findMany({
      where: { organizationSid: provider.organizationSid, action: 'bot.clientSecret.read' },
      orderBy: { occurredAt: 'asc' },
    });
  const before = new Set((await readings()).map(({ sid }) => sid));
  await work();
  return (await readings()).filter(({ sid }) => !before.has(sid));
}

describe('each read of a client secret is recorded', () => {
  test('of one bot in the graph: who, what, when, from where, in which request', async () => {
    const before = Date.now();
    let requestId: string | null = null;
    const rows = await audited(async () => {
      const { headers, data } = await provider.graph(`{ bot(sid: "${bots[0]}") { clientSecret } }`);
      expect(data.bot.clientSecret).toBe('a-client-secret');
      requestId = headers.get('x-request-id');
    });
    expect(rows).toMatchObject([
      {
        organizationSid: provider.organizationSid,
        accountSid: provider.accountSid,
        action: 'bot.clientSecret.read',
        targetSid: bots[0],
        requestId,
        remoteAddress: '127.0.0.1',
      },
    ]);
    expect(Math.abs((rows[0]?.occurredAt.getTime() ?? 0) - before)).toBeLessThan(60_000);
  });

  test.each([
    ['a list in the graph', () => provider.graph('{ bots { nodes { clientSecret } } }')],
    ['enterprises in the graph', () => provider.graph('{ enterprises { nodes { bot { clientSecret } } } }')],
    ['a list of the contract', () => provider.rest.get('/msteams/teamsbot/search')],
  ])('of every bot of %s', async (_, read) => {
    expect((await audited(read)).map(({ targetSid }) => targetSid).sort()).toEqual([...bots].sort());
  });

  test('of one bot in the contract, and of an updated one, whose response shows it', async () => {
    const rows = await audited(async () => {
      await provider.rest.get(`/msteams/teamsbot/search/${bots[1]}`);
      await provider.rest.put(`/msteams/teamsbot/${bots[2]}`, { tenantId: 'other' });
    });
    expect(rows.map(({ targetSid }) => targetSid)).toEqual([bots[1], bots[2]]);
  });

  test('but not of its hint, of a page without bots, or of an unknown sid', async () => {
    const rows = await audited(async () => {
      await provider.graph('{ bots { nodes { clientSecretHint tenantId } } }');
      await provider.rest.get('/msteams/teamsbot/search?page=9');
      await provider.rest.get('/msteams/teamsbot/search/BE1');
      await (await gateway.provider()).graph(`{ bot(sid: "${bots[0]}") { clientSecret } }`);
    });
    expect(rows).toEqual([]);
  });
});

test('audit records cannot be changed, deleted or truncated', async () => {
  await provider.graph(`{ bot(sid: "${bots[0]}") { clientSecret } }`);
  const { prisma } = gateway.gateway;
  const before = await prisma.auditLog.findMany();
  for (const statement of ["UPDATE audit_log SET action = 'nothing'", 'DELETE FROM audit_log', 'TRUNCATE audit_log']) {
    await expect(prisma.$executeRawUnsafe(statement)).rejects.toThrow('audit_log is append-only');
  }
  expect(await prisma.auditLog.findMany()).toEqual(before);
});

describe('with masked secrets, the contract', () => {
  let masked: TestGateway;
  let owner: Provider;
  let sid: string;
  beforeAll(async () => {
    masked = await createTestGateway({ restBotSecrets: 'masked', platforms: { restcomm: createRecordingRestcomm() } });
    owner = await masked.provider();
    const enterprise = await done(owner, 'createEnterprise', newEnterprise());
    const { body } = await owner.rest.post<{ sid: string; clientSecret: string }>('/msteams/teamsbot', newBot(enterprise.sid));
    expect(body.data).toMatchObject({ clientSecret: '••••cret', clientsecret: '••••cret' });
    sid = body.data?.sid ?? '';
  });
  afterAll(() => masked.close());
  const secret = async () => (await owner.graph(`{ bot(sid: "${sid}") { clientSecret } }`)).data.bot.clientSecret;

  test('reads none, so that nothing is recorded', async () => {
    await owner.rest.get('/msteams/teamsbot/search');
    await owner.rest.get(`/msteams/teamsbot/search/${sid}`);
    expect(await masked.gateway.prisma.auditLog.count({ where: { action: 'bot.clientSecret.read' } })).toBe(0);
  });

  test('leaves the secret unchanged if its mask is sent back, accepts any other, and refuses the mask of a former one', async () => {
    const { body } = await owner.rest.put(`/msteams/teamsbot/${sid}`, { tenantId: 'other', clientsecret: '••••cret' });
    expect(body.data).toMatchObject({ tenantId: 'other', clientSecret: '••••cret' });
    expect(await secret()).toBe('a-client-secret');
    await owner.rest.put(`/msteams/teamsbot/${sid}`, { clientSecret: 'another-one' });
    expect(await secret()).toBe('another-one');
    const refused = await owner.rest.put(`/msteams/teamsbot/${sid}`, { clientSecret: '••••cret' });
    expect(refused.body).toMatchObject({ errorCode: '450' });
    expect(await secret()).toBe('another-one');
  });
});
