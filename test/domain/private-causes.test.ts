import { afterAll, beforeAll, expect, test } from 'vitest';
import { PlatformError } from '../../src/domain/errors.ts';
import { createLog } from '../../src/log.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

const lines: Record<string, unknown>[] = [];
let gateway: TestGateway;
let provider: Provider;

beforeAll(async () => {
  const log = createLog('info', { write: (line: string) => void lines.push(JSON.parse(line)) });
  const createSubAccount = async () => {
    throw new PlatformError('Restcomm did not respond', { detail: 'NO_ANSWER after 10 s', cause: new Error('socket hang up') });
  };
  gateway = await createTestGateway({ log, platforms: { restcomm: { ...createEmbeddedRestcomm(), createSubAccount } } });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

test('a 452 shows its public message alone, and its private half is logged with the request id, on both faces', async () => {
  const { name, enterpriseAdmin } = newEnterprise();
  const rest = await gateway.fetch(
    new Request('http://gateway.test/msteams/enterprises', {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${provider.accountSid}:${provider.authToken}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name, enterpriseAdmin }),
    }),
  );
  const body = await rest.text();
  expect([rest.status, JSON.parse(body)]).toEqual([400, { errorCode: '452', message: 'Restcomm did not respond' }]);
  expect(body).not.toContain('NO_ANSWER');
  expect(lines).toContainEqual(
    expect.objectContaining({
      msg: 'a platform refused a request or did not respond',
      requestId: rest.headers.get('x-request-id'),
      code: 'PLATFORM_ERROR',
      detail: 'NO_ANSWER after 10 s',
      err: expect.objectContaining({ message: 'socket hang up' }),
    }),
  );

  lines.length = 0;
  const { data } = await provider.graph(
    'mutation ($input: CreateEnterpriseInput!) { createEnterprise(input: $input) { ... on Error { code message } } }',
    { input: newEnterprise() },
  );
  expect(data).toEqual({ createEnterprise: { code: 'PLATFORM_ERROR', message: 'Restcomm did not respond' } });
  expect(lines.filter(({ msg }) => msg === 'a platform refused a request or did not respond')).toHaveLength(1);
});
