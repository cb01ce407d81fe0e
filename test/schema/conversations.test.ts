import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { done, newEnterprise, newMapping } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';

let gateway: TestGateway;
let provider: Provider;
let stranger: Provider;
const enterprises: string[] = [];
const mappings: string[] = [];

beforeAll(async () => {
  gateway = await createTestGateway();
  [provider, stranger] = [await gateway.provider(), await gateway.provider()];
  for (const _ of [1, 2]) {
    const { sid } = await done(provider, 'createEnterprise', newEnterprise());
    enterprises.push(sid);
    mappings.push((await done(provider, 'createMapping', newMapping(sid))).sid);
  }
  await write(0, '+15550100', 'OUTBOUND', 'Are you open?');
  await write(0, 'AMAZON', 'OUTBOUND', 'Your code is 1');
  await write(0, '+491701234567', 'OUTBOUND', 'Hallo');
  await write(0, '0049 170 1234567', 'INBOUND', 'Guten Tag');
  await write(1, '+491701234567', 'OUTBOUND', 'Wann?');
});
afterAll(() => gateway.close());

async function write(place: number, phone: string, direction: 'INBOUND' | 'OUTBOUND', body: string) {
  const user = 'ann@e.example';
  const stored = await acceptMessage(gateway.database.sql, {
    ...{ organizationSid: provider.organizationSid, accountSid: provider.accountSid, direction, body, lane: `${place}${phone}` },
    ...{ enterpriseSid: enterprises[place] as string, mappingSid: mappings[place] as string },
    ...(direction === 'INBOUND' ? { from: user, to: phone } : { from: phone, to: user }),
  });
  return stored?.sid ?? expect.unreachable();
}

const CONVERSATION = `sid phone unansweredSince messagesFromPhone messagesFromTeams messagesFailed lastMessageSid lastMessageDate dateCreated
  mapping { sid } mappingSid enterprise { sid } enterpriseSid lastMessage { body }`;

type Shown = Record<string, unknown> & { sid: string; phone: string };

async function list(filter: object = {}, orderBy?: object, { graph }: Pick<Provider, 'graph'> = provider): Promise<Shown[]> {
  const { data, errors } = await graph(
    `query ($filter: ConversationFilter, $orderBy: ConversationOrder) { conversations(filter: $filter, orderBy: $orderBy) { totalCount nodes { ${CONVERSATION} } } }`,
    { filter, orderBy },
  );
  expect(errors).toBeUndefined();
  expect(data.conversations.totalCount).toBe(data.conversations.nodes.length);
  return data.conversations.nodes;
}
const bodies = (conversations: readonly Shown[]) => conversations.map(({ lastMessage }) => (lastMessage as { body: string }).body);

describe('conversations', () => {
  test('are listed with their last message, numbers of messages and since when they wait, the newest first', async () => {
    const conversations = await list();
    expect(bodies(conversations)).toEqual(['Wann?', 'Guten Tag', 'Your code is 1', 'Are you open?']);
    const [waiting, answered, named] = conversations;
    expect(answered).toMatchObject({
      ...{ phone: '+491701234567', messagesFromPhone: 1, messagesFromTeams: 1, messagesFailed: 0, unansweredSince: null },
      ...{ mapping: { sid: mappings[0] }, mappingSid: mappings[0], enterprise: { sid: enterprises[0] }, enterpriseSid: enterprises[0] },
    });
    expect(waiting).toMatchObject({ phone: '+491701234567', unansweredSince: waiting?.lastMessageDate, mappingSid: mappings[1] });
    expect(named).toMatchObject({ phone: 'AMAZON' });
  });

  test('are filtered', async () => {
    expect(bodies(await list({ enterpriseSid: enterprises[1] }))).toEqual(['Wann?']);
    expect(bodies(await list({ mappingSid: mappings[1] }))).toEqual(['Wann?']);
    expect(bodies(await list({ unanswered: true }))).toEqual(['Wann?', 'Your code is 1', 'Are you open?']);
    expect(bodies(await list({ unanswered: false }))).toEqual(['Guten Tag']);
    for (const phone of ['0049170', '+49 (170)', '49170']) expect(bodies(await list({ phone }))).toEqual(['Wann?', 'Guten Tag']);
    expect(bodies(await list({ phone: 'amaz' }))).toEqual(['Your code is 1']);
    const [{ lastMessageDate } = expect.unreachable()] = await list({ mappingSid: mappings[1] });
    expect(bodies(await list({ lastMessageFrom: lastMessageDate }))).toContain('Wann?');
    expect(await list({ lastMessageTo: '2020-01-01T00:00:00Z' })).toEqual([]);
  });

  test('are sorted', async () => {
    expect(bodies(await list({}, { field: 'LAST_MESSAGE', direction: 'ASC' }))).toEqual([
      'Are you open?',
      'Your code is 1',
      'Guten Tag',
      'Wann?',
    ]);
    expect((await list({}, { field: 'PHONE' })).map(({ phone }) => phone)).toEqual([
      '+15550100',
      '+491701234567',
      '+491701234567',
      'AMAZON',
    ]);
    expect(bodies(await list({}, { field: 'UNANSWERED_SINCE' }))).toEqual(['Are you open?', 'Your code is 1', 'Wann?']);
  });

  test.each(['LAST_MESSAGE', 'PHONE', 'UNANSWERED_SINCE'])('are paged by cursor in the order %s, in both directions', async (field) => {
    const all = (await list({}, { field })).map(({ sid }) => sid);
    const found: string[] = [];
    for (let after: string | null = null; ; ) {
      const { data }: { data: { conversations: { nodes: Shown[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } } } =
        await provider.graph(
          'query ($orderBy: ConversationOrder, $after: String) { conversations(orderBy: $orderBy, first: 2, after: $after) { nodes { sid } pageInfo { hasNextPage endCursor } } }',
          { orderBy: { field }, after },
        );
      found.push(...data.conversations.nodes.map(({ sid }: Shown) => sid));
      after = data.conversations.pageInfo.endCursor;
      if (!data.conversations.pageInfo.hasNextPage) break;
    }
    expect(found).toEqual(all);
    const { data } = await provider.graph(
      'query ($orderBy: ConversationOrder) { conversations(orderBy: $orderBy, last: 2) { edges { node { sid } } } }',
      { orderBy: { field } },
    );
    expect(data.conversations.edges.map(({ node }: { node: Shown }) => node.sid)).toEqual(all.slice(-2));
  });

  test('are found by mapping, message, event, sid and global id', async () => {
    const [, answered = expect.unreachable()] = await list();
    const { data, errors } = await provider.graph(
      `query ($sid: ID!, $mapping: ID!, $message: ID!) {
        conversation(sid: $sid) { id sid messages(orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { body conversationSid } } }
        mapping(sid: $mapping) { conversations(filter: { phone: "+49" }) { totalCount nodes { sid messages { totalCount nodes { body } } } } }
        message(sid: $message) { conversationSid conversation { sid phone } events { conversationSid conversation { sid } } }
        messages(filter: { conversationSid: $sid }) { totalCount nodes { body conversationSid } }
        messageEvents(first: 100) { nodes { conversationSid } }
      }`,
      { sid: answered.sid, mapping: mappings[0], message: answered.lastMessageSid },
    );
    expect(errors).toBeUndefined();
    const { sid } = answered;
    expect(data.conversation).toMatchObject({
      sid,
      messages: {
        nodes: [
          { body: 'Guten Tag', conversationSid: sid },
          { body: 'Hallo', conversationSid: sid },
        ],
      },
    });
    expect(data.mapping.conversations).toEqual({
      totalCount: 1,
      nodes: [{ sid, messages: { totalCount: 2, nodes: [{ body: 'Hallo' }, { body: 'Guten Tag' }] } }],
    });
    expect(data.message).toEqual({
      conversationSid: sid,
      conversation: { sid, phone: '+491701234567' },
      events: [{ conversationSid: sid, conversation: { sid } }],
    });
    expect(data.messages).toEqual({
      totalCount: 2,
      nodes: [
        { body: 'Hallo', conversationSid: sid },
        { body: 'Guten Tag', conversationSid: sid },
      ],
    });
    expect(data.messageEvents.nodes.filter((event: { conversationSid: string }) => event.conversationSid === sid)).toHaveLength(2);
    const node = await provider.graph('query ($id: ID!) { node(id: $id) { ... on Conversation { sid } } }', { id: data.conversation.id });
    expect(node.data.node).toEqual({ sid });
  });

  test('page their messages by cursor', async () => {
    const [, { sid } = expect.unreachable()] = await list();
    const page = (after: string | null) =>
      provider.graph(
        'query ($sid: ID!, $after: String) { conversation(sid: $sid) { messages(first: 1, after: $after) { nodes { body } pageInfo { hasNextPage endCursor } } } }',
        { sid, after },
      );
    const first = (await page(null)).data.conversation.messages;
    expect(first).toMatchObject({ nodes: [{ body: 'Hallo' }], pageInfo: { hasNextPage: true } });
    const second = (await page(first.pageInfo.endCursor)).data.conversation.messages;
    expect(second).toMatchObject({ nodes: [{ body: 'Guten Tag' }], pageInfo: { hasNextPage: false } });
  });

  test('refuse what is not valid', async () => {
    const codes = async (arguments_: string) =>
      (await provider.graph(`{ conversations(${arguments_}) { totalCount nodes { sid } } }`)).errors?.map(
        ({ extensions }) => extensions?.code,
      );
    expect(await codes('first: -1')).toEqual(['INVALID_PARAMETER']);
    expect(await codes('after: "nonsense"')).toEqual(['INVALID_PARAMETER']);
    expect(await codes('filter: { phone: "a\\u0000b" }')).toEqual(['INVALID_PARAMETER']);
  });

  test('are shown to nobody without credentials', async () => {
    const anonymous = graphClient(gateway.fetch, { user: 'nobody', password: 'nothing' });
    const { errors } = await anonymous('{ conversations { totalCount } }');
    expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['UNAUTHENTICATED']);
  });

  test('are another organization’s in no way', async () => {
    const [{ sid } = expect.unreachable()] = await list();
    expect(await list({}, undefined, stranger)).toEqual([]);
    expect(await list({ mappingSid: mappings[0] }, undefined, stranger)).toEqual([]);
    const { data } = await stranger.graph(
      'query ($sid: ID!) { conversation(sid: $sid) { sid } messages(filter: { conversationSid: $sid }) { totalCount nodes { sid } } }',
      { sid },
    );
    expect(data).toEqual({ conversation: null, messages: { totalCount: 0, nodes: [] } });
  });

  test('stay with the enterprise that their messages belong to when the mapping moves to another one', async () => {
    const sids: string[] = [];
    const admins: GraphClient[] = [];
    for (const email of ['former@e.example', 'next@e.example']) {
      const enterprise = newEnterprise({ enterpriseAdmin: { email, password: 'a-long-password' } });
      sids.push((await done(stranger, 'createEnterprise', enterprise)).sid);
      admins.push(graphClient(gateway.fetch, { user: email, password: 'a-long-password' }));
    }
    const { sid: mapping } = await done(stranger, 'createMapping', newMapping(sids[0] as string));
    const receive = async (enterpriseSid: string, body: string) => {
      const { organizationSid, accountSid } = stranger;
      const between = { from: '+15550100', to: 'ann@e.example', direction: 'OUTBOUND' as const, lane: mapping };
      await acceptMessage(gateway.database.sql, { organizationSid, accountSid, enterpriseSid, mappingSid: mapping, ...between, body });
    };
    await receive(sids[0] as string, 'before');
    await done(stranger, 'updateMapping', { sid: mapping, enterpriseSid: sids[1] });
    await receive(sids[1] as string, 'after');
    await receive(sids[1] as string, 'later');
    const seen = async (graph: GraphClient) =>
      (await list({}, undefined, { graph })).map((shown) => [...bodies([shown]), shown.messagesFromPhone, shown.enterpriseSid]);
    const [before, after] = [
      ['before', 1, sids[0]],
      ['later', 2, sids[1]],
    ];
    expect(await seen(admins[0] as GraphClient)).toEqual([before]);
    expect(await seen(admins[1] as GraphClient)).toEqual([after]);
    expect(await seen(stranger.graph)).toEqual([after, before]);
    const ofMapping = async (graph: GraphClient) => {
      const document = `query ($sid: ID!) { mapping(sid: $sid) {
        conversations { totalCount nodes { lastMessage { body conversation { messagesFromPhone } } messages { nodes { body } } } } } }`;
      return (await graph(document, { sid: mapping })).data.mapping?.conversations;
    };
    const own = {
      lastMessage: { body: 'later', conversation: { messagesFromPhone: 2 } },
      messages: { nodes: [{ body: 'after' }, { body: 'later' }] },
    };
    expect(await ofMapping(admins[0] as GraphClient)).toBeUndefined();
    expect(await ofMapping(admins[1] as GraphClient)).toEqual({ totalCount: 1, nodes: [own] });
    expect(await ofMapping(stranger.graph)).toMatchObject({ totalCount: 2, nodes: [own, { lastMessage: { body: 'before' } }] });
  });
});
