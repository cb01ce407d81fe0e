import { EventSource } from 'eventsource';
import { createClient as createSseClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENTS, LIST, UPDATE } from './documents.ts';
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

test('graphql-ws and graphql-sse page through a list, change it, and see the fields of a refusal', async () => {
  const ws = connectSocket(gateway);
  const sse = createSseClient({ url: `${gateway.url}/graphql`, headers: () => ({ authorization: gateway.authorization }) });
  for (const client of [ws, sse]) {
    const run = async (query: string, variables: Record<string, unknown>) => {
      const answers: { data?: unknown; errors?: unknown }[] = [];
      for await (const answer of client.iterate({ query, variables })) answers.push(answer as (typeof answers)[0]);
      expect(answers).toHaveLength(1);
      return answers[0] ?? {};
    };
    const names: string[] = [];
    for (let page = { hasNextPage: true, endCursor: undefined as string | undefined }; page.hasNextPage; ) {
      const { mappings } = (await run(LIST, { first: 3, after: page.endCursor })).data as {
        mappings: { edges: { node: { name: string } }[]; pageInfo: typeof page };
      };
      names.push(...mappings.edges.map(({ node }) => node.name));
      page = mappings.pageInfo;
    }
    expect(names).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G']);
    expect(await run(LIST, { first: -1 })).toMatchObject({ errors: [{ extensions: { code: 'INVALID_PARAMETER' } }] });
    expect(await run(UPDATE, { input: { sid: gateway.mappingSid, name: 'A' } })).toMatchObject({
      data: { updateMapping: { __typename: 'UpdateMappingSuccess', mapping: { name: 'A' } } },
    });
    expect(await run(UPDATE, { input: { sid: 'BE1', name: 'A' } })).toMatchObject({
      data: { updateMapping: { __typename: 'NotFoundError', code: 'MAPPING_NOT_FOUND', path: ['sid'], value: 'BE1' } },
    });
    client.dispose();
  }
});
