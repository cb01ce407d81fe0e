import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Credentials } from '../support/credentials.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type BothWays, bothWays, isPacked, overheard } from './both-ways.ts';
import { type ListData, makeLists } from './list-data.ts';
import { LISTS } from './list-documents.ts';

// A document is compiled for everybody once somebody has brought it twice. Who may read what of it is asked each time.

let gateway: TestGateway;
let ways: BothWays;
let asked: string[];
let provider: Provider;
let owner: Credentials;
let data: ListData;

beforeAll(async () => {
  const overhears = overheard(await createTestDatabase());
  ({ asked } = overhears);
  gateway = await createTestGateway({ database: overhears.database });
  provider = await gateway.provider();
  owner = { user: provider.accountSid, password: provider.authToken };
  data = await makeLists(gateway, provider);
  ways = await bothWays(gateway);
});
afterAll(async () => {
  await ways.close();
  await gateway.close();
});

async function tokenOf(permissions: readonly string[], enterpriseSid?: string): Promise<Credentials> {
  const { data, errors } = await provider.graph(
    `mutation ($permissions: [Permission!]!, $enterpriseSid: ID) {
      made: createAccessToken(input: { expiresIn: 600, permissions: $permissions, enterpriseSid: $enterpriseSid }) { ... on CreateAccessTokenSuccess { token } } }`,
    { permissions, enterpriseSid },
  );
  expect(errors).toBeUndefined();
  return { token: data.made.token };
}

const admin = (place: number): Credentials => {
  const { adminSid: user = '', password = '' } = data.enterprises[place] ?? {};
  return { user, password };
};

/** What is answered to a document that its owner has made known, and whether that was read packed. */
async function answered(who: Credentials, query: string, variables?: Record<string, unknown>) {
  await ways.same(owner, { query, variables });
  asked.length = 0;
  const { body } = await ways.short(who, { query, variables });
  const statements = [...asked];
  expect((await ways.same(who, { query, variables })).body).toBe(body);
  return { ...JSON.parse(body), statements };
}

const ALL = `{ ${Object.keys(LISTS.Query)
  .map((list) => `${list}(first: 100) { totalCount nodes { sid ${list === 'enterprises' ? '' : 'enterpriseSid'} } }`)
  .join(' ')} }`;
const NESTED =
  '{ enterprises { nodes { sid mappings { nodes { enterpriseSid messages(first: 2) { nodes { enterpriseSid } } } } messages(first: 50) { totalCount nodes { enterpriseSid } } } } }';

describe('a document that other callers have already used', () => {
  test.each([ALL, NESTED, '{ messages { nodes { body } } }', '{ messages { totalCount } }'])(
    'is refused without READ, and nothing is read: %s',
    async (query) => {
      for (const permissions of [['WRITE'], ['WRITE', 'SECRETS', 'AUDIT']]) {
        const { errors, data, statements } = await answered(await tokenOf(permissions), query);
        expect([errors[0].extensions.code, data]).toEqual(['FORBIDDEN', null]);
        expect(statements.filter(isPacked)).toEqual([]);
      }
    },
  );

  test('is answered with READ alone, packed', async () => {
    const { data, errors, statements } = await answered(await tokenOf(['READ']), ALL);
    expect(errors).toBeUndefined();
    expect(data.messages.totalCount).toBe(48);
    expect(statements.some(isPacked)).toBe(true);
  });

  test('shows an enterprise’s admin, and credentials restricted to the enterprise, only that enterprise’s rows, packed', async () => {
    for (const place of [0, 1]) {
      const { sid } = data.enterprises[place] as ListData['enterprises'][number];
      for (const who of [admin(place), await tokenOf(['READ'], sid)]) {
        const all = await answered(who, ALL);
        expect(all.statements.some(isPacked)).toBe(true);
        expect(all.data.enterprises.nodes).toEqual([{ sid }]);
        for (const list of ['messages', 'mappings', 'bots']) {
          const { totalCount, nodes } = all.data[list];
          expect(nodes.length).toBeGreaterThan(0);
          expect(totalCount).toBe(nodes.length);
          for (const row of nodes) expect(row.enterpriseSid).toBe(sid);
        }
        const nested = await answered(who, NESTED);
        expect(nested.statements.every((text: string) => isPacked(text) || text.includes('count(*)'))).toBe(true);
        const [{ mappings, messages }] = nested.data.enterprises.nodes;
        expect([mappings.nodes.length > 0, messages.nodes.length > 0]).toEqual([true, true]);
        const own = new Set(JSON.stringify(nested.data).match(/EN[0-9a-f]{32}/g));
        expect([...own]).toEqual([sid]);
      }
    }
  });

  test('shows an admin nothing of another enterprise, even by its sid', async () => {
    const query =
      'query ($sid: ID!) { messages(filter: { enterpriseSid: $sid }) { totalCount nodes { body } } mappings(filter: { enterpriseSid: $sid }) { nodes { sid } } }';
    const { sid } = data.enterprises[1] as ListData['enterprises'][number];
    const { data: shown } = await answered(admin(0), query, { sid });
    expect(shown).toEqual({ messages: { totalCount: 0, nodes: [] }, mappings: { nodes: [] } });
  });

  test('shows another organization’s caller none of its rows, by any filter or cursor', async () => {
    const stranger = await gateway.provider();
    const who = { user: stranger.accountSid, password: stranger.authToken };
    for (const query of [ALL, NESTED]) {
      const { data: shown, statements } = await answered(who, query);
      expect(JSON.stringify(shown)).not.toMatch(/"(sid|enterpriseSid)"/);
      expect(statements.some(isPacked)).toBe(true);
    }
    const { body } = await ways.short(owner, { query: '{ messages(first: 1) { pageInfo { endCursor } } }' });
    const after = JSON.parse(body).data.messages.pageInfo.endCursor;
    const { sid } = data.enterprises[0] as ListData['enterprises'][number];
    const query =
      'query ($after: String, $sid: ID) { messages(after: $after, filter: { enterpriseSid: $sid }) { totalCount nodes { sid } } }';
    for (const variables of [{ after }, { sid }, { after, sid, mappingSid: data.mappingSids[0] }]) {
      const { data: shown } = await answered(who, query, variables);
      expect(shown.messages).toEqual({ totalCount: 0, nodes: [] });
    }
  });

  test('allows larger pages only to callers with that permission', async () => {
    const query = '{ messages(first: 101) { nodes { sid } } }';
    const { errors } = await answered(await tokenOf(['READ']), query);
    expect(errors[0].extensions.code).toBe('INVALID_PARAMETER');
  });
});
