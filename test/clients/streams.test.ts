import { EventSource } from 'eventsource';
import { createClient as createSseClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENTS } from './documents.ts';
import { survivesRestart, type Update } from './events.ts';
import { ClientsGateway } from './gateway.ts';
import { connectSocket } from './socket.ts';

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

/** A sink of both libraries. */
const sinkOf = ({ next, error }: Parameters<Parameters<typeof survivesRestart>[1]>[1]) => ({
  next: ({ data, errors }: { data?: unknown; errors?: unknown }) => {
    if (errors) error(errors);
    else next((data as { messageEvents: Update }).messageEvents);
  },
  error,
  complete: () => error('complete'),
});

test('graphql-ws survives a restart, with the options of the README', async () => {
  await survivesRestart(gateway, (variables, sink) => {
    const client = connectSocket(gateway);
    client.subscribe({ query: EVENTS, variables }, sinkOf(sink));
    return () => client.dispose();
  });
});

test('graphql-sse survives a restart, with its default retries', async () => {
  await survivesRestart(gateway, (variables, sink) => {
    const client = createSseClient({ url: `${gateway.url}/graphql`, headers: () => ({ authorization: gateway.authorization }) });
    client.subscribe({ query: EVENTS, variables }, sinkOf(sink));
    return () => client.dispose();
  });
});

test('EventSource survives a restart without a line about it', async () => {
  await survivesRestart(gateway, (_variables, { next }) => {
    const token = gateway.authorization.replace('Bearer ', '');
    const source = new EventSource(`${gateway.url}/graphql?${new URLSearchParams({ query: EVENTS, access_token: token })}`);
    source.addEventListener('next', ({ data }) => next(JSON.parse(data).data.messageEvents));
    return () => source.close();
  });
});

test('graphql-ws and graphql-sse read a list and see the fields of a refusal', async () => {
  const query = 'query ($first: Int) { mappings(first: $first) { nodes { name } } }';
  const ws = connectSocket(gateway);
  const sse = createSseClient({ url: `${gateway.url}/graphql`, headers: () => ({ authorization: gateway.authorization }) });
  for (const client of [ws, sse]) {
    const answers: unknown[] = [];
    for await (const answer of client.iterate({ query, variables: { first: 2 } })) answers.push(answer);
    for await (const answer of client.iterate({ query, variables: { first: -1 } })) answers.push(answer);
    expect(answers).toMatchObject([
      { data: { mappings: { nodes: [{ name: 'A' }, { name: 'B' }] } } },
      { errors: [{ extensions: { code: 'INVALID_PARAMETER' } }] },
    ]);
    client.dispose();
  }
});
