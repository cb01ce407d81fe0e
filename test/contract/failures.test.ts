import { GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { failure } from '../../src/contract/envelopes.ts';
import { refusal } from '../../src/contract/errors.ts';
import { ConflictError, type ErrorCode, InvalidInputError } from '../../src/domain/errors.ts';
import { responseOf } from '../../src/server/text-response.ts';
import { stubContract, successes } from './stub-graph.ts';

/** Sending messages, streaming events, access tokens, accounts and imports are the graph's alone. */
type GraphErrorCode =
  | 'SMS_TOO_LONG'
  | 'ENTERPRISE_INACTIVE'
  | 'MESSAGE_NOT_STUCK'
  | 'CURSOR_INVALID'
  | 'CURSOR_EXPIRED'
  | 'STREAM_OVERFLOW'
  | 'ACCESS_TOKEN_NOT_FOUND'
  | 'IMPORT_NOT_FOUND'
  | 'IMPORT_NOT_READY'
  | 'TOO_MANY_IMPORTS'
  | 'PERSON_HAS_MAPPINGS'
  | 'WEBHOOK_ENDPOINT_NOT_FOUND'
  | 'TOO_MANY_WEBHOOK_ENDPOINTS'
  | 'IMPORT_HAS_INVALID_ROWS'
  | 'BOT_CREDENTIAL_NOT_FOUND'
  | 'ACCOUNT_NOT_FOUND'
  | 'ACCOUNT_EXISTS'
  | 'ACCOUNT_CLOSED'
  | 'OWN_ACCOUNT';
/** Lists have it, whose errors are not results: see test/parity/bounds.test.ts. */
type ListErrorCode = 'SEARCH_TOO_WIDE';
type RestErrorCode = Exclude<ErrorCode, GraphErrorCode | ListErrorCode>;

/** REST.md's table of errors, and the two of the Idempotency-Key header, which it doesn't have. */
const numbers: Record<RestErrorCode, [errorCode: string, status: number]> = {
  MISSING_PARAMETER: ['451', 400],
  PLATFORM_ERROR: ['452', 400],
  ENTERPRISE_NAME_NOT_UNIQUE: ['4050', 409],
  EMAIL_NOT_UNIQUE: ['4001', 409],
  ENTERPRISE_NOT_FOUND: ['4051', 409],
  MAPPING_NOT_FOUND: ['480', 409],
  BOT_NOT_FOUND: ['481', 409],
  MESSAGE_NOT_FOUND: ['481', 409],
  EXTERNAL_ADDRESS_NOT_UNIQUE: ['482', 409],
  MICROSOFT_ADDRESS_INVALID: ['485', 409],
  ENTERPRISE_HAS_MAPPINGS: ['4052', 409],
  ENTERPRISE_CLOSED: ['4053', 409],
  BOT_EXISTS: ['483', 409],
  INVALID_PARAMETER: ['450', 400],
  IDEMPOTENCY_KEY_REUSED: ['409', 409],
  IDEMPOTENCY_KEY_IN_PROGRESS: ['409', 409],
};

/** An operation that documents each error. */
const [create, update, close] = ['/msteams/enterprises', '/msteams/enterprises/EN1', '/msteams/enterprises/EN1'];
const where: Record<RestErrorCode, [method: string, path: string, field: string]> = {
  MISSING_PARAMETER: ['PUT', update, 'updateEnterprise'],
  PLATFORM_ERROR: ['PUT', update, 'updateEnterprise'],
  ENTERPRISE_NAME_NOT_UNIQUE: ['PUT', update, 'updateEnterprise'],
  EMAIL_NOT_UNIQUE: ['POST', create, 'createEnterprise'],
  ENTERPRISE_NOT_FOUND: ['PUT', update, 'updateEnterprise'],
  MAPPING_NOT_FOUND: ['DELETE', '/msteams/mappings/BE1', 'deleteMapping'],
  BOT_NOT_FOUND: ['DELETE', '/msteams/teamsbot/BE1', 'deleteBot'],
  MESSAGE_NOT_FOUND: ['GET', '/msteams/messages/search/MS1', 'message'],
  EXTERNAL_ADDRESS_NOT_UNIQUE: ['POST', '/msteams/mappings', 'createMapping'],
  MICROSOFT_ADDRESS_INVALID: ['POST', '/msteams/mappings', 'createMapping'],
  ENTERPRISE_HAS_MAPPINGS: ['DELETE', close, 'closeEnterprise'],
  ENTERPRISE_CLOSED: ['PUT', update, 'updateEnterprise'],
  BOT_EXISTS: ['POST', '/msteams/teamsbot', 'createBot'],
  INVALID_PARAMETER: ['PUT', update, 'updateEnterprise'],
  IDEMPOTENCY_KEY_REUSED: ['PUT', update, 'updateEnterprise'],
  IDEMPOTENCY_KEY_IN_PROGRESS: ['PUT', update, 'updateEnterprise'],
};
const codes = Object.entries(numbers) as [RestErrorCode, [string, number]][];

describe('an error of the domain', () => {
  test.each(codes)('%s has errorCode and status %j', async (code, [errorCode, status]) => {
    const [method, path, field] = where[code];
    const answer = () => (field === 'message' ? null : { __typename: 'ConflictError', code, message: 'What it says', value: 'kohl' });
    const { status: answered, body } = await stubContract({ [field]: answer }).rest.request(method, path);
    expect(answered).toBe(status);
    expect(body.errorCode).toBe(errorCode);
    expect(body.code).toBeUndefined();
    if (field === 'message') expect(body).toMatchObject({ message: 'Message Id not found', data: 'MS1' });
    else if (field === 'createEnterprise') expect(body).toMatchObject({ message: 'What it says', data: { data: 'kohl' } });
    else expect(body).toMatchObject({ message: 'What it says', data: 'kohl' });
  });

  test('without a value has no data', async () => {
    const error = {
      __typename: 'InvalidInputError',
      code: 'MISSING_PARAMETER',
      message: 'Mandatory parameter name is missing.',
      value: null,
    };
    const { rest } = stubContract({ createEnterprise: () => error });
    expect((await rest.post(create, {})).body).toEqual({ errorCode: '451', message: 'Mandatory parameter name is missing.' });
  });

  test('thrown by a resolver has the same response', async () => {
    const { rest } = stubContract({
      mappings() {
        throw new InvalidInputError('INVALID_PARAMETER', 'Parameter name is invalid: must be shorter', [], 'long');
      },
      enterprises() {
        const originalError = new ConflictError('ENTERPRISE_CLOSED', 'Enterprise is CLOSED', { value: 'EN1' });
        throw new GraphQLError(originalError.message, { extensions: { code: 'INVALID_PARAMETER', value: 'x' } });
      },
    });
    expect(await rest.get('/msteams/mappings/search')).toMatchObject({
      status: 400,
      body: { errorCode: '450', message: 'Parameter name is invalid: must be shorter', data: 'long' },
    });
    expect(await rest.get('/msteams/enterprises/search')).toMatchObject({ status: 400, body: { errorCode: '450', data: 'x' } });
  });

  test.each([
    ['/msteams/enterprises/search/EN1', '4051', 'Enterprise not found', 'EN1'],
    ['/msteams/mappings/search/BE1', '480', 'Mapping Id not found', 'BE1'],
    ['/msteams/teamsbot/details/search/BE2', '481', 'There is no Details added for this Bot', 'BE2'],
    ['/msteams/messages/search/MS1', '481', 'Message Id not found', 'MS1'],
  ])('is the response to a null of the graph: %s', async (path, errorCode, message, data) => {
    const nothing = { enterprise: () => null, mapping: () => null, bot: () => null, message: () => null };
    expect(await stubContract(nothing).rest.get(path)).toMatchObject({ status: 409, body: { errorCode, message, data } });
  });
});

describe('a fault', () => {
  test('is masked, and logged with the request id of the response', async () => {
    const { rest, logged } = stubContract({
      enterprise() {
        throw new Error('connection to 10.0.0.7 refused');
      },
    });
    const answer = await rest.get('/msteams/enterprises/search/EN1');
    expect(answer).toMatchObject({ status: 500, body: { errorCode: '500', message: 'Internal Server Error' } });
    expect(answer.headers.get('x-request-id')).toBe('request-1');
    expect(logged).toMatchObject([{ requestId: 'request-1', err: { message: 'connection to 10.0.0.7 refused' } }]);
  });

  test('of authentication or of the context is masked too', async () => {
    const broken = () => {
      throw new Error('no database');
    };
    for (const options of [{ authenticate: broken }, { contextFor: broken }]) {
      const { rest, logged } = stubContract(successes, options);
      const answer = await rest.get('/msteams/enterprises/search/EN1');
      expect(answer).toMatchObject({ status: 500, body: { errorCode: '500' } });
      expect(logged).toMatchObject([{ requestId: answer.headers.get('x-request-id'), err: { message: 'no database' } }]);
    }
  });

  test('is a result that the schema does not allow', async () => {
    const { rest } = stubContract({ enterprise: () => ({ sid: 'EN1' }) });
    expect(await rest.get('/msteams/enterprises/search/EN1')).toMatchObject({ status: 500 });
  });
});

describe('a refusal', () => {
  test('for a missing permission is 403', async () => {
    const { rest } = stubContract({
      createBot() {
        throw new GraphQLError('Your credentials do not permit this', { extensions: { code: 'FORBIDDEN' } });
      },
    });
    expect(await rest.post('/msteams/teamsbot', {})).toMatchObject({ status: 403, body: { errorCode: '403', message: 'Forbidden' } });
  });

  test('of a suspended account is 403, but only with its right token', async () => {
    const { rest, asked } = stubContract(successes, { authenticate: async () => ({ status: 403, message: 'The account is not active' }) });
    expect(await rest.get('/msteams/enterprises/search')).toMatchObject({ status: 403, body: { errorCode: '403', message: 'Forbidden' } });
    expect(asked).toEqual([]);
  });

  test('before the contract has an envelope too', async () => {
    const response = responseOf(failure(refusal(429, { 'retry-after': '7' })));
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toEqual({ errorCode: '429', message: 'Too Many Requests' });
  });
});

test('a caller may request large pages here, but has no other extra permission', async () => {
  const { rest, callers } = stubContract(successes, { permissions: ['read'] });
  await rest.get('/msteams/messages/search');
  expect([...(callers[0]?.permissions ?? [])].sort()).toEqual(['large-pages', 'read']);
});

test('no response may be stored', async () => {
  const { rest } = stubContract(successes);
  expect((await rest.get('/msteams/teamsbot/search')).headers.get('cache-control')).toBe('no-store');
});
