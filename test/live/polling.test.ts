import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Provider } from '../support/gateway.ts';
import { committed, createLiveGateway, createSender, type LiveGateway } from '../support/live.ts';
import { graphqlWs } from '../support/transports.ts';

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 200 } });
});
afterAll(() => gateway.close());

const PAGE = `query ($after: String, $first: Int, $filter: MessageEventFilter) {
  messageEvents(after: $after, first: $first, filter: $filter) {
    totalCount
    nodes { cursor status: channelStatus message { sid } }
    edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

interface Node {
  readonly cursor: string;
  readonly status: string;
  readonly message: { readonly sid: string };
}

async function page({ graph }: Provider, variables: Record<string, unknown>) {
  const { data, errors } = await graph(PAGE, variables);
  expect(errors).toBeUndefined();
  return data.messageEvents;
}

/** Everything behind a cursor, page by page. */
async function poll(provider: Provider, variables: Record<string, unknown>): Promise<{ log: string[]; cursor: string }> {
  const log: string[] = [];
  let after = variables.after;
  for (;;) {
    const { nodes, edges, pageInfo } = await page(provider, { ...variables, after });
    expect(edges.map(({ cursor }: Node) => cursor)).toEqual(nodes.map(({ cursor }: Node) => cursor));
    log.push(...nodes.map(({ message, status }: Node) => `${message.sid} ${status}`));
    after = pageInfo.endCursor;
    if (!pageInfo.hasNextPage) return { log, cursor: String(after) };
  }
}

test('polling from the beginning returns the whole log, with any page size, and continues where it stopped', async () => {
  const from = await createSender(gateway, await gateway.provider());
  const sids = [];
  for (let count = 0; count < 12; count += 1) sids.push(await from.send());
  const log = await committed(gateway, from.provider);
  let cursor = '';
  for (const first of [1, 5, 12, 100]) {
    const polled = await poll(from.provider, { first });
    expect(polled.log).toEqual(log);
    cursor = polled.cursor;
  }
  expect((await poll(from.provider, { after: cursor })).log).toEqual([]);
  await from.advance(sids[3] as string, { status: 'SENT' });
  expect((await poll(from.provider, { after: cursor })).log).toEqual([`${sids[3]} SENT`]);
});

test('streams and polling accept each other’s cursors', async () => {
  const from = await createSender(gateway, await gateway.provider());
  for (let count = 0; count < 6; count += 1) await from.send();
  const log = await committed(gateway, from.provider);
  const { nodes } = await page(from.provider, { first: 2 });
  const reader = graphqlWs.resume({ url: gateway.url, provider: from.provider }, nodes[1].cursor);
  const events = await reader.hasEvents(4);
  expect(reader.log).toEqual(log.slice(2));
  expect((await poll(from.provider, { after: events[1]?.cursor })).log).toEqual(log.slice(4));
  reader.close();
});

test('each filter holds, totalCount counts the matches, and the cursor moves past the others', async () => {
  const from = await createSender(gateway, await gateway.provider());
  const other = await createSender(gateway, from.provider);
  const [mine, outbound, theirs] = [await from.send(), await from.send({ direction: 'OUTBOUND' }), await other.send()];
  await other.advance(theirs, { status: 'DELIVERED' });
  const { cursor } = await poll(from.provider, {});
  const cases: [Record<string, unknown>, string[]][] = [
    [{ enterpriseSids: [from.enterpriseSid] }, [`${mine} QUEUED`, `${outbound} QUEUED`]],
    [{ enterpriseSids: [] }, []],
    [{ mappingSid: other.mappingSid }, [`${theirs} QUEUED`, `${theirs} DELIVERED`]],
    [{ messageSid: outbound }, [`${outbound} QUEUED`]],
    [{ direction: 'OUTBOUND' }, [`${outbound} QUEUED`]],
    [{ statuses: ['DELIVERED'] }, [`${theirs} DELIVERED`]],
  ];
  for (const [filter, expected] of cases) {
    expect([filter, await poll(from.provider, { filter })]).toEqual([filter, { log: expected, cursor }]);
    expect((await page(from.provider, { filter })).totalCount).toBe(expected.length);
  }
});

test('an invalid cursor, or another organization’s, is CURSOR_INVALID, and a page size out of range INVALID_PARAMETER', async () => {
  const from = await createSender(gateway, await gateway.provider());
  const other = await createSender(gateway, await gateway.provider());
  await other.send();
  const theirs = (await poll(other.provider, {})).cursor;
  for (const [variables, code] of [
    [{ after: 'x' }, 'CURSOR_INVALID'],
    [{ after: theirs }, 'CURSOR_INVALID'],
    [{ first: 101 }, 'INVALID_PARAMETER'],
    [{ first: -1 }, 'INVALID_PARAMETER'],
  ] as const) {
    const { errors } = await from.provider.graph(PAGE, variables);
    expect(errors?.[0]?.extensions?.code).toBe(code);
  }
});
