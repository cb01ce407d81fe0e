import { randomBytes } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PlatformError } from '../../src/domain/errors.ts';
import { maskError } from '../../src/graph/errors.ts';
import { createLog } from '../../src/log.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { stubContract } from '../contract/stub-graph.ts';
import { inContractNames, newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

const lines: Record<string, unknown>[] = [];
const log = createLog('info', { write: (line: string) => void lines.push(JSON.parse(line)) });
let gateway: TestGateway;
let provider: Provider;

const noAnswer = () =>
  new PlatformError('Restcomm did not respond', { detail: 'NO_ANSWER after 10 s', cause: new Error('socket hang up') });
const fail = async () => {
  throw noAnswer();
};

beforeAll(async () => {
  const restcomm = { ...createEmbeddedRestcomm(), createSubAccount: fail, checkCredentials: fail };
  gateway = await createTestGateway({ log, platforms: { restcomm } });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

test('a 452 shows only its public message, and its private cause is logged with the request id, on both faces', async () => {
  const { name, enterpriseAdmin } = inContractNames(newEnterprise());
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

const LOGGED = {
  msg: 'a platform refused a request or did not respond',
  code: 'PLATFORM_ERROR',
  detail: 'NO_ANSWER after 10 s',
  err: expect.objectContaining({ message: 'socket hang up' }),
};

test('the private cause of a thrown error is logged too, by either face', async () => {
  lines.length = 0;
  const error = new GraphQLError('Restcomm did not respond', { path: ['deleteMapping'], originalError: noAnswer() });
  expect(maskError(error, log, 'request-1')).toMatchObject({
    message: 'Restcomm did not respond',
    extensions: { code: 'PLATFORM_ERROR', path: undefined, value: undefined },
  });
  expect(lines).toEqual([expect.objectContaining({ ...LOGGED, requestId: 'request-1' })]);

  const { rest, logged } = stubContract({
    deleteMapping: () => {
      throw noAnswer();
    },
  });
  const { status, body } = await rest.delete(`/msteams/mappings/BE${'0'.repeat(32)}`);
  expect([status, body]).toEqual([400, { errorCode: '452', message: 'Restcomm did not respond' }]);
  expect(logged).toEqual([expect.objectContaining({ ...LOGGED, requestId: 'request-1' })]);
});

test('an account that Restcomm cannot be asked about gets 503, with the reason in the log', async () => {
  lines.length = 0;
  const credentials = Buffer.from(`AC${randomBytes(16).toString('hex')}:a-token`).toString('base64');
  const request = new Request('http://gateway.test/msteams/bots', { headers: { authorization: `Basic ${credentials}` } });
  expect((await gateway.fetch(request)).status).toBe(503);
  expect(lines).toEqual([
    expect.objectContaining({
      msg: 'cannot verify the credentials of an account with Restcomm',
      err: expect.objectContaining({ detail: 'NO_ANSWER after 10 s', cause: expect.objectContaining({ message: 'socket hang up' }) }),
    }),
  ]);
});

test('the detail of a database error, which quotes the row, is not logged', () => {
  lines.length = 0;
  const unique = Object.assign(new Error('duplicate key'), {
    severity: 'ERROR',
    code: '23505',
    detail: 'Key (email)=(a@b.example) exists.',
  });
  log.warn({ err: unique }, 'a row exists already');
  expect(lines).toEqual([expect.not.objectContaining({ err: expect.objectContaining({ detail: expect.anything() }) })]);
});
