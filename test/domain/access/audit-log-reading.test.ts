import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trimAuditLog } from '../../../src/domain/access/audit-log.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { done, fresh, newEnterprise, newMapping } from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { costOf } from '../../support/work.ts';

const DAY_MS = 24 * 60 * 60_000;
let gateway: TestGateway;
let provider: Provider;
let home: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  home = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  // Three pages.
  for (let count = 0; count < 50; count += 1) await accessToken(['READ']);
});
afterAll(() => gateway.close());

const prisma = () => gateway.gateway.prisma;

/** Makes an access token. @returns the token */
async function accessToken(permissions: readonly string[], enterpriseSid?: string): Promise<string> {
  const input = { expiresIn: 600, permissions, enterpriseSid };
  const { data } = await provider.graph(
    'mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
    { input },
  );
  return data.made.token;
}

describe('the database', () => {
  const aged = async (days: number) => {
    const { sid } = await prisma().auditLog.create({
      data: {
        ...{
          sid: newSid('AU'),
          organizationSid: provider.organizationSid,
          action: 'bot.create',
          targetSid: newSid('BE'),
          requestId: 'test',
        },
        occurredAt: new Date(Date.now() - days * DAY_MS),
      },
    });
    return sid;
  };
  const isThere = async (sid: string) => (await prisma().auditLog.count({ where: { sid } })) === 1;

  test('deletes records that are older than their retention, and nothing else', async () => {
    const [old, young] = [await aged(101), await aged(99)];
    expect(await trimAuditLog(prisma(), 100 * DAY_MS)).toBeGreaterThanOrEqual(1);
    expect([await isThere(old), await isThere(young)]).toEqual([false, true]);
  });

  test('refuses to delete records that are younger than 30 days, and any other delete, in any form', async () => {
    const [old, young] = [await aged(40), await aged(29)];
    const db = prisma();
    await expect(trimAuditLog(db, 29 * DAY_MS)).rejects.toThrow('younger than 30 days');
    await expect(db.auditLog.deleteMany({ where: { sid: old } })).rejects.toThrow('append-only');
    const pretended = db.$transaction([
      db.$executeRaw`SET LOCAL gateway.audit_log_trim = 'on'`,
      db.$executeRaw`DELETE FROM audit_log WHERE sid = ${young}`,
    ]);
    await expect(pretended).rejects.toThrow('append-only');
    expect([await isThere(old), await isThere(young)]).toEqual([true, true]);
  });
});

describe('Query.auditLog', () => {
  const LOG = `query ($filter: AuditFilter, $orderBy: AuditRecordOrder, $first: Int, $after: String) {
    auditLog(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { sid action targetSid accountSid adminSid accessTokenSid requestId remoteAddress dateCreated }
    }
  }`;
  const read = async (variables: Record<string, unknown> = {}, { graph }: Pick<Provider, 'graph'> = provider) => {
    const { data, errors } = await graph(LOG, variables);
    return { ...data?.auditLog, code: errors?.[0]?.extensions?.code };
  };
  const as = (token: string) => ({ graph: graphClient(gateway.fetch, { token }) });

  test('returns the newest record first, page by page, each once', async () => {
    const found: { sid: string; dateCreated: string }[] = [];
    let after: string | undefined;
    do {
      const page = await read({ first: 25, after });
      found.push(...page.nodes);
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
    } while (after);
    const where = { organizationSid: provider.organizationSid };
    const own = await prisma().auditLog.findMany({ where, orderBy: [{ occurredAt: 'asc' }, { sid: 'asc' }] });
    expect(own.length).toBeGreaterThan(50);
    expect(found.map(({ sid }) => sid)).toEqual(own.map(({ sid }) => sid).reverse());
    expect((await read()).totalCount).toBe(own.length);
    const oldestFirst = await read({ first: 100, orderBy: { field: 'DATE_CREATED', direction: 'ASC' } });
    expect(oldestFirst.nodes.map(({ sid }: { sid: string }) => sid)).toEqual(own.slice(0, 100).map(({ sid }) => sid));
  });

  test('filters by action, target, account and time', async () => {
    const { sid } = await done(provider, 'createMapping', newMapping(home));
    const at = new Date();
    const { headers } = await provider.graph(`mutation { deleteMapping(input: { sid: "${sid}" }) { __typename } }`);
    const requestId = headers.get('x-request-id');
    const deleted = expect.objectContaining({ action: 'MAPPING_DELETE', targetSid: sid, requestId, remoteAddress: '127.0.0.1' });
    const created = expect.objectContaining({ action: 'MAPPING_CREATE', targetSid: sid });
    const nodes = async (filter: object) => (await read({ filter })).nodes;
    expect(await nodes({ targetSid: sid })).toEqual([deleted, created]);
    expect(await nodes({ targetSid: sid, actions: ['MAPPING_DELETE'] })).toEqual([deleted]);
    expect(await nodes({ targetSid: sid, accountSid: provider.accountSid, createdFrom: new Date(at.getTime() - DAY_MS) })).toHaveLength(2);
    expect(await nodes({ targetSid: sid, createdTo: new Date(at.getTime() - DAY_MS) })).toEqual([]);
    expect(await nodes({ targetSid: sid, accountSid: 'AC1' })).toEqual([]);
    expect(await nodes({ actions: [] })).toEqual([]);
  });

  test('needs the permission AUDIT for the whole organization, and shows no other organization', async () => {
    expect(await read({}, as(await accessToken(['READ', 'AUDIT'])))).toMatchObject({ code: undefined, nodes: expect.any(Array) });
    for (const token of [await accessToken(['READ', 'WRITE', 'SECRETS']), await accessToken(['READ', 'AUDIT'], home)])
      expect((await read({}, as(token))).code).toBe('FORBIDDEN');
    expect((await graphClient(gateway.fetch)(LOG)).status).toBe(401);
    const stranger = await gateway.provider();
    expect((await read({}, stranger)).nodes).toMatchObject([
      { action: 'ACCOUNT_CREATE', accountSid: null, targetSid: stranger.accountSid },
    ]);
    expect((await read({ filter: { targetSid: home } }, stranger)).nodes).toEqual([]);
  });

  test('names the account and the admin of each record, by as many statements for many as for one; who is gone has only a sid', async () => {
    const admins = await Promise.all(
      [1, 2, 3].map(async () => {
        const enterpriseAdmin = { email: fresh.email(), password: 'a-long-password' };
        const { sid } = await done(provider, 'createEnterprise', newEnterprise({ enterpriseAdmin }));
        const { email: user, password } = enterpriseAdmin;
        await done({ graph: graphClient(gateway.fetch, { user, password }) }, 'createMapping', newMapping(sid));
        return { email: user };
      }),
    );
    const query = `query ($first: Int) { auditLog(filter: { actions: [MAPPING_CREATE] }, first: $first) {
      nodes { adminSid admin { email } account { friendlyName } } } }`;
    const page = async (first: number) => (await provider.graph(query, { first })).data.auditLog.nodes;
    const nodes = await page(3);
    expect(nodes.map(({ account }: { account: object }) => account)).toEqual(Array(3).fill({ friendlyName: provider.email }));
    expect(nodes.map(({ admin }: { admin: object }) => admin)).toEqual(expect.arrayContaining(admins));
    const cost = async (first: number) => (await costOf(() => page(first))).statements.length;
    expect(await cost(3)).toBe(await cost(1));
    const { sid: _, ...record } = await prisma().auditLog.findFirstOrThrow({ where: { adminSid: nodes[0].adminSid } });
    const adminSid = newSid('RCS');
    await prisma().auditLog.create({ data: { ...record, sid: newSid('AU'), adminSid, occurredAt: new Date() } });
    expect((await page(1))[0]).toMatchObject({ adminSid, admin: null });
  });

  test('names invalid arguments', async () => {
    expect((await read({ first: 101 })).code).toBe('INVALID_PARAMETER');
    expect((await read({ after: 'x' })).code).toBe('INVALID_PARAMETER');
    expect((await read({ filter: { actions: ['X'] } })).code).toBe('BAD_USER_INPUT');
  });
});
