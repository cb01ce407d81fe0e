import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let provider: Provider;

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

/** What the audits fetch with: the gateway in this process, with credentials that they know nothing of. */
function authorized(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Basic ${Buffer.from(`${provider.accountSid}:${provider.authToken}`).toString('base64')}`);
  return gateway.fetch(new Request(url, { ...init, headers }));
}

/** Of requests before 2025, the specification says: without Accept, application/json. Of later ones: application/graphql-response+json. */
const BEFORE_2025 = '80D8';
const audits = serverAudits({ url: 'http://gateway.test/graphql', fetchFn: authorized }).filter(({ id }) => id !== BEFORE_2025);

describe("graphql-http's audit of GraphQL over HTTP", () => {
  test('covers mandatory, recommended and allowed behavior', () => {
    const levels = audits.map(({ name }) => name.split(' ')[0]);
    expect(new Set(levels)).toEqual(new Set(['MUST', 'SHOULD', 'MAY']));
    expect(levels.length).toBeGreaterThan(50);
  });

  test.each(audits)('$id $name', async ({ fn }) => {
    const result = await fn();
    expect(result.status === 'ok' ? 'ok' : result.reason).toBe('ok');
  });
});

// "Setting the value of the {operationName} parameter to the empty string is equivalent to omitting" it. Clients that cannot send null send it in JSON.
test('an empty operation name counts as absent, by GET, by POST and for an event stream', async () => {
  const query = 'query Named { __typename }';
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const posted = JSON.stringify({ query, operationName: '' });
  const answers = [
    await authorized(`http://gateway.test/graphql?${new URLSearchParams({ query, operationName: '' })}`),
    await authorized('http://gateway.test/graphql', { method: 'POST', headers, body: posted }),
    await authorized('http://gateway.test/graphql', { method: 'POST', headers: { ...headers, accept: 'text/event-stream' }, body: posted }),
  ];
  for (const answer of answers) expect(await answer.text()).toContain('{"data":{"__typename":"Query"}}');
});
