import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../../support/live.ts';
import { authorizationOf, MESSAGE_EVENTS } from '../../support/transports.ts';

let gateway: LiveGateway;
let from: Sender;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 200 } });
  from = await createSender(gateway, await gateway.provider());
});
afterAll(() => gateway.close());

/** Reads a stream's text until it has so many events. */
async function textOf(response: Response, events: number): Promise<string> {
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.split('"MessageEvent"').length > events) return text.slice(0, text.lastIndexOf('\n\n'));
  }
  return text;
}

test('a stream that is written to its connection and one that is read from a Response are equal, alone and in a fan-out', async () => {
  const asked = { headers: { accept: 'text/event-stream', authorization: authorizationOf(from.provider) } };
  const path = `/graphql?${new URLSearchParams({ query: MESSAGE_EVENTS })}`;
  const open = [
    await fetch(gateway.url + path, asked),
    await fetch(gateway.url + path, asked),
    await gateway.fetch(new Request(`http://gateway.test${path}`, asked)),
  ];
  const texts = open.map((response) => textOf(response, 3));
  await expect.poll(() => gateway.live.streams).toBe(3);
  for (const body of ['one', 'two', 'три'.repeat(1000)]) await from.send({ body });
  const [one, ...others] = await Promise.all(texts);
  expect(one?.match(/^event: next$/gm)).toHaveLength(4);
  expect(others).toEqual([one, one]);
  for (const { headers, status } of open) {
    expect([status, headers.get('content-type'), headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      'no-store',
      'nosniff',
    ]);
  }
});

test('the first event has the cost in its extensions if the request asks for it, and no other event', async () => {
  const headers = { accept: 'text/event-stream', authorization: authorizationOf(from.provider), 'x-graphql-cost': 'include' };
  const path = `/graphql?${new URLSearchParams({ query: MESSAGE_EVENTS })}`;
  const text = textOf(await fetch(gateway.url + path, { headers }), 1);
  await expect.poll(() => gateway.live.streams).toBeGreaterThan(0);
  await from.send();
  const [bookmark, event] = (await text).match(/^data: .*$/gm)?.map((line) => JSON.parse(line.slice('data: '.length))) ?? [];
  expect(bookmark.extensions).toEqual({ cost: { requested: expect.any(Number), limit: 5000, rate: null } });
  expect(event).toEqual({ data: { messageEvents: expect.objectContaining({ __typename: 'MessageEvent' }) } });

  const tooMuch = '{ enterprises(first: 100) { nodes { mappings(first: 100) { nodes { sid } } } } }';
  const refusedResult = async (query: string) => {
    const response = await fetch(`${gateway.url}/graphql?${new URLSearchParams({ query })}`, { headers });
    return JSON.parse(/^data: (.+)$/m.exec(await response.text())?.[1] ?? '');
  };
  const costly = await refusedResult(tooMuch);
  expect(costly.extensions).toEqual({ cost: { requested: costly.errors[0].extensions.found, limit: 5000, rate: null } });
  expect(await refusedResult('subscription { messageEvents(after: "x") { __typename } }')).toEqual({
    errors: [expect.objectContaining({ path: ['messageEvents'] })],
    extensions: { cost: { requested: 1, limit: 5000, rate: null } },
  });
});
