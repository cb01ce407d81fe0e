import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { accountSid } from '../../src/domain/values/sid.ts';
import { createHttpRestcomm } from '../../src/platforms/restcomm/http.ts';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import { type FakeRestcomm, startFakeRestcomm } from '../fakes/restcomm.ts';
import { done, fresh } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { restClient } from '../support/rest.ts';

/** Restcomm's time for an answer. */
const TIMEOUT_MS = 600;
/** What a busy machine adds. */
const SLACK_MS = 2500;

let restcomm: FakeRestcomm;
let proxy: FaultProxy;
let gateway: TestGateway;
let provider: Provider;
const enterprises: string[] = [];
beforeAll(async () => {
  restcomm = await startFakeRestcomm();
  proxy = await startFaultProxy(restcomm.url);
  gateway = await createTestGateway({
    platforms: { restcomm: createHttpRestcomm({ ...restcomm, url: proxy.url, fetch, timeoutMs: TIMEOUT_MS }) },
  });
  provider = await gateway.provider();
  for (let n = 0; n < 12; n += 1) {
    const email = fresh.email();
    restcomm.accounts.set(accountSid(email), { sid: accountSid(email), email, friendlyName: email, authToken: '', status: 'active' });
    const input = { name: fresh.name(), enterpriseAdmin: { email, password: 'a-long-password' } };
    enterprises.push((await done(provider, 'createEnterprise', input)).sid);
  }
});
afterAll(async () => {
  await gateway.close();
  await proxy.close();
  await restcomm.close();
});

async function timed<Result>(work: Promise<Result>): Promise<{ result: Result; ms: number }> {
  const began = performance.now();
  return { result: await work, ms: performance.now() - began };
}

const suspend = (sid: string | undefined) => provider.rest.put(`/msteams/enterprises/${sid}`, { status: 'INACTIVE' });

describe.each([
  ['is down', () => proxy.refuse()],
  ['hangs', () => proxy.hang()],
])('while Restcomm %s', (_, fail) => {
  beforeAll(fail);
  afterAll(() => proxy.heal());

  test('requests that need it are refused in each face’s form (452 and PlatformError) in time, and nothing is changed', async () => {
    const [ofRest, ofGraph] = await Promise.all([
      timed(suspend(enterprises[0])),
      timed(
        provider.graph(
          'mutation ($input: UpdateEnterpriseInput!) { result: updateEnterprise(input: $input) { __typename ... on Error { code } } }',
          { input: { sid: enterprises[1], status: 'INACTIVE' } },
        ),
      ),
    ]);
    expect([ofRest.result.status, ofRest.result.body.errorCode]).toEqual([400, '452']);
    expect(ofGraph.result.data.result).toEqual({ __typename: 'PlatformError', code: 'PLATFORM_ERROR' });
    expect(Math.max(ofRest.ms, ofGraph.ms)).toBeLessThan(2 * TIMEOUT_MS + SLACK_MS);
    const { body } = await provider.rest.get<{ status: string }>(`/msteams/enterprises/search/${enterprises[0]}`);
    expect(body.data?.status).toBe('ACTIVE');
  });

  test('accounts that only Restcomm knows get a 503, all others are accepted, and the gateway stays ready', async () => {
    const unknown = { user: accountSid(fresh.email()), password: 'token' };
    const [ofRest, ofGraph] = await Promise.all([
      restClient(gateway.fetch, unknown).get('/msteams/enterprises/search'),
      graphClient(gateway.fetch, unknown)('{ __typename }'),
    ]);
    expect([ofRest.status, ofRest.body.errorCode]).toEqual([503, '503']);
    expect([ofGraph.status, ofGraph.errors?.[0]?.extensions?.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect((await provider.rest.get('/msteams/enterprises/search')).status).toBe(200);
    expect((await gateway.fetch(new Request('http://gateway.test/health/ready'))).status).toBe(200);
  });
});

test.runIf(inject('postgres'))('while Restcomm hangs, changes that wait for it do not keep the database from other requests', async () => {
  proxy.hang();
  const changes = Promise.all(enterprises.map(suspend));
  await expect.poll(() => proxy.connections).toBeGreaterThan(0);
  expect((await provider.rest.get('/msteams/mappings/search')).status).toBe(200);
  // Of the pool's ten.
  const { pool } = gateway.database;
  expect(pool.totalCount - pool.idleCount).toBeLessThan(5);
  await proxy.heal();
  await changes;
  const left = (sid: string | undefined) => suspend(sid).then(({ status }) => status);
  expect(await Promise.all(enterprises.map(left))).toEqual(enterprises.map(() => 200));
});
