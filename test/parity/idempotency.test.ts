import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { purgeIdempotencyKeys } from '../../src/domain/idempotency.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { createRecordingRestcomm, type RecordingRestcomm } from '../support/recording-restcomm.ts';
import { restClient } from '../support/rest.ts';
import { done, expectRefusal, fresh, type Input, inGraph, inRest, newBot, newEnterprise, newMapping } from './faces.ts';

let restcomm: RecordingRestcomm;
let gateway: TestGateway;
let provider: Provider;

beforeAll(async () => {
  restcomm = createRecordingRestcomm();
  gateway = await createTestGateway({ platforms: { restcomm } });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());
beforeEach(() => restcomm.reset());

const keyed = (input: Input): Input & { idempotencyKey: string } => ({ ...input, idempotencyKey: fresh.key() });
const enterprise = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid as string;

/** Makes a key, or the claim on it, this much older. */
const age = (key: string, interval: string) =>
  gateway.gateway.prisma.$executeRaw`UPDATE idempotency_key SET date_created = date_created - ${interval}::interval WHERE key = ${key}`;
const REUSED = { message: 'Idempotency key was used with another operation or input', path: ['idempotencyKey'] };

describe('the same key and input return the first result again', () => {
  test('and does nothing again', async () => {
    const input = keyed(newEnterprise());
    const first = await done(provider, 'createEnterprise', input);
    const asked = [...restcomm.calls];
    expect(await inGraph(provider, 'createEnterprise', input)).toEqual(first);
    expect(restcomm.calls).toEqual(asked);
    expect(await gateway.gateway.prisma.enterprise.count({ where: { name: first.name } })).toBe(1);
  });

  test('on the other face too, whichever came first', async () => {
    const input = keyed(newEnterprise());
    const { sid } = await done(provider, 'createEnterprise', input);
    expect(await inRest(provider, 'createEnterprise', input)).toMatchObject({ status: 201, body: { code: 200, data: { sid } } });
    const other = keyed(newMapping(await enterprise()));
    const { body } = await inRest(provider, 'createMapping', other);
    expect((await inGraph(provider, 'createMapping', other)).sid).toBe(body.data?.sid);
  });

  test('even if the entity has changed meanwhile', async () => {
    const create = keyed(newEnterprise());
    const first = await done(provider, 'createEnterprise', create);
    const rename = keyed({ sid: first.sid, name: fresh.name() });
    const renamed = await done(provider, 'updateEnterprise', rename);
    await done(provider, 'updateEnterprise', { sid: first.sid, name: fresh.name(), status: 'INACTIVE' });
    for (const [operation, input, { name, dateUpdated }] of [
      ['createEnterprise', create, first],
      ['updateEnterprise', rename, renamed],
    ] as const) {
      expect(await inGraph(provider, operation, input)).toMatchObject({ sid: first.sid, name, dateUpdated, status: 'ACTIVE' });
      expect((await inRest(provider, operation, input)).body.data).toMatchObject({ sid: first.sid, name, status: 'ACTIVE' });
    }
  });

  test('even if the entity was deleted meanwhile, its relations included', async () => {
    const enterpriseSid = await enterprise();
    const mapping = keyed(newMapping(enterpriseSid));
    const bot = keyed(newBot(enterpriseSid));
    const [firstMapping, firstBot] = [await done(provider, 'createMapping', mapping), await done(provider, 'createBot', bot)];
    const deletion = keyed({ sid: firstMapping.sid });
    await done(provider, 'deleteMapping', deletion);
    await done(provider, 'deleteBot', { sid: firstBot.sid });
    expect(await inGraph(provider, 'createMapping', mapping)).toEqual(firstMapping);
    expect(await inGraph(provider, 'deleteMapping', deletion)).toMatchObject({ sid: firstMapping.sid });
    // With the secret, opened from what was kept of it.
    expect(await inGraph(provider, 'createBot', bot)).toEqual(firstBot);
    const { name } = await gateway.gateway.prisma.enterprise.findUniqueOrThrow({ where: { sid: enterpriseSid } });
    expect((await inRest(provider, 'createMapping', mapping)).body.data).toMatchObject({ sid: firstMapping.sid, enterpriseName: name });
    expect((await inRest(provider, 'createBot', bot)).body.data).toMatchObject({ sid: firstBot.sid, clientSecret: 'a-client-secret' });
  });

  test('with absent or null fields, in any order', async () => {
    const input = keyed(newEnterprise());
    const { sid } = await done(provider, 'createEnterprise', input);
    const { name, enterpriseAdmin, idempotencyKey } = input as Record<string, Record<string, unknown>>;
    const other = { idempotencyKey, status: null, enterpriseAdmin: { name: null, ...enterpriseAdmin }, name };
    expect((await inGraph(provider, 'createEnterprise', other)).sid).toBe(sid);
    expect((await inRest(provider, 'createEnterprise', other)).body.data?.sid).toBe(sid);
  });

  test('even if it was a conflict, or not found', async () => {
    const { sid, name } = await done(provider, 'createEnterprise', newEnterprise());
    const conflicting = keyed(newEnterprise({ name }));
    const closing = keyed({ sid });
    const missing = keyed({ sid: 'BE1' });
    const mapping = await done(provider, 'createMapping', newMapping(sid));
    const refuse = async () => {
      const expected = { value: name, path: ['name'] };
      await expectRefusal(provider, 'createEnterprise', conflicting, 'ENTERPRISE_NAME_NOT_UNIQUE', expected);
      await expectRefusal(provider, 'closeEnterprise', closing, 'ENTERPRISE_HAS_MAPPINGS', { value: sid, path: ['sid'] });
      await expectRefusal(provider, 'deleteBot', missing, 'BOT_NOT_FOUND', { value: 'BE1', path: ['sid'] });
    };
    await refuse();
    await done(provider, 'deleteMapping', { sid: mapping.sid });
    await done(provider, 'closeEnterprise', { sid });
    await refuse();
  });
});

describe('nothing is stored', () => {
  test('for a request that a platform refused', async () => {
    const input = keyed(newMapping(await enterprise()));
    restcomm.refuse('enableSms');
    expect(await inGraph(provider, 'createMapping', input)).toMatchObject({ code: 'PLATFORM_ERROR' });
    expect(await inRest(provider, 'createMapping', input)).toMatchObject({ body: { errorCode: '452' } });
    restcomm.reset();
    await done(provider, 'createMapping', input);
  });

  test('for invalid input, so that it can be corrected with the same key', async () => {
    const input = keyed(newEnterprise());
    expect(await inGraph(provider, 'createEnterprise', { ...input, name: ' ' })).toMatchObject({ code: 'MISSING_PARAMETER' });
    expect(await inRest(provider, 'createEnterprise', { ...input, name: 'x'.repeat(256) })).toMatchObject({ body: { errorCode: '450' } });
    await done(provider, 'createEnterprise', input);
  });
});

describe('a key that is used again', () => {
  test('with another input is refused, and changes nothing', async () => {
    const input = keyed(newEnterprise());
    await done(provider, 'createEnterprise', input);
    const other = { ...input, name: fresh.name() };
    await expectRefusal(provider, 'createEnterprise', other, 'IDEMPOTENCY_KEY_REUSED', { ...REUSED, value: input.idempotencyKey });
    expect(await gateway.gateway.prisma.enterprise.count({ where: { name: String(other.name) } })).toBe(0);
  });

  test('with another operation is refused', async () => {
    const { sid } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const input = keyed({ sid });
    await done(provider, 'updateMapping', input);
    await expectRefusal(provider, 'deleteMapping', input, 'IDEMPOTENCY_KEY_REUSED', { ...REUSED, value: input.idempotencyKey });
    await done(provider, 'deleteMapping', { sid });
  });

  test('by another account of the organization, or by another organization, is another key', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      email: `${randomBytes(6).toString('hex')}@provider.example`,
      organization: { sid: provider.organizationSid },
    });
    const credentials = { user: account.sid, password: authToken };
    const colleague = { graph: graphClient(gateway.fetch, credentials), rest: restClient(gateway.fetch, credentials) };
    const stranger = await gateway.provider();
    const input = keyed(newEnterprise());
    const { idempotencyKey } = input;
    const { sid } = await done(provider, 'createEnterprise', input);
    const theirs = await done(colleague, 'createEnterprise', newEnterprise({ idempotencyKey }));
    const strange = await done(stranger, 'createEnterprise', { ...input });
    expect(new Set([sid, theirs.sid, strange.sid]).size).toBe(3);
  });

  test('after 24 hours is a new one', async () => {
    const enterpriseSid = await enterprise();
    const input = keyed({ sid: enterpriseSid, status: 'INACTIVE' });
    await done(provider, 'updateEnterprise', input);
    await age(input.idempotencyKey, '23 hours 59 minutes');
    const other = { ...input, status: 'ACTIVE' };
    expect(await inGraph(provider, 'updateEnterprise', other)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    await age(input.idempotencyKey, '2 minutes');
    expect(await done(provider, 'updateEnterprise', other)).toMatchObject({ status: 'ACTIVE' });
    // It now keeps the other input's answer.
    expect(await inGraph(provider, 'updateEnterprise', input)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  test('is forgotten by the purge after 24 hours, not before', async () => {
    const [old, young] = [keyed(newEnterprise()), keyed(newEnterprise())];
    for (const input of [old, young]) await done(provider, 'createEnterprise', input);
    await age(old.idempotencyKey, '24 hours 1 minute');
    await purgeIdempotencyKeys(gateway.gateway.prisma);
    const kept = await gateway.gateway.prisma.idempotencyKey.findMany({
      where: { key: { in: [old.idempotencyKey, young.idempotencyKey] } },
    });
    expect(kept.map(({ key }) => key)).toEqual([young.idempotencyKey]);
  });
});

/** While the platform is asked the next time, the claim becomes another process's. */
function stealClaim(key: string): void {
  restcomm.onCall = async () => {
    await gateway.gateway.prisma.idempotencyKey.updateMany({ where: { key }, data: { claim: 'of another process' } });
  };
}

describe('a claim that a crash left behind', () => {
  /** Leaves the key as a process does that ends before its transaction. */
  async function crashed(input: Input & { idempotencyKey: string }): Promise<void> {
    restcomm.refuse('enableSms');
    stealClaim(input.idempotencyKey);
    expect(await inGraph(provider, 'createMapping', input)).toMatchObject({ code: 'PLATFORM_ERROR' });
    restcomm.reset();
  }

  test('is taken over after a minute by the same input', async () => {
    const input = keyed(newMapping(await enterprise()));
    await crashed(input);
    await age(input.idempotencyKey, '61 seconds');
    const { sid } = await done(provider, 'createMapping', input);
    expect((await inGraph(provider, 'createMapping', input)).sid).toBe(sid);
  });

  test('is refused to another input until it expires', async () => {
    const input = keyed(newMapping(await enterprise()));
    await crashed(input);
    await age(input.idempotencyKey, '2 minutes');
    const other = { ...input, externalAddress: fresh.number() };
    await expectRefusal(provider, 'createMapping', other, 'IDEMPOTENCY_KEY_REUSED', { ...REUSED, value: input.idempotencyKey });
  });

  test('cannot be completed by the request that lost it', async () => {
    const enterpriseSid = await enterprise();
    const input = keyed(newMapping(enterpriseSid));
    stealClaim(input.idempotencyKey);
    // The request took longer than a minute. It neither maps the number, nor does the number stay enabled.
    expect(await inGraph(provider, 'createMapping', input)).toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_PROGRESS' });
    expect(await gateway.gateway.prisma.mapping.count({ where: { enterpriseSid } })).toBe(0);
    expect(restcomm.isSmsEnabled(String(input.externalAddress))).toBe(false);
  });
});

test('a deletion that lost its claim leaves the mapping, and its number stays enabled', async () => {
  const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
  const input = keyed({ sid });
  stealClaim(input.idempotencyKey);
  expect(await inGraph(provider, 'deleteMapping', input)).toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_PROGRESS' });
  expect(await gateway.gateway.prisma.mapping.count({ where: { sid } })).toBe(1);
  expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
});

describe('a key', () => {
  test.each(['x'.repeat(256), 'schlüssel', 'a\u0007b'])('that is malformed is refused: %j', async (idempotencyKey) => {
    const why = 'must be at most 255 printable ASCII characters';
    expect(await inGraph(provider, 'createEnterprise', newEnterprise({ idempotencyKey }))).toMatchObject({
      code: 'INVALID_PARAMETER',
      message: `Parameter idempotencyKey is invalid: ${why}`,
      path: ['idempotencyKey'],
    });
  });

  test('that is blank counts as absent, and the header has the same limits', async () => {
    const input = newEnterprise({ idempotencyKey: ' ' });
    await done(provider, 'createEnterprise', input);
    expect(await inGraph(provider, 'createEnterprise', input)).toMatchObject({ code: 'ENTERPRISE_NAME_NOT_UNIQUE' });
    const long = await inRest(provider, 'createEnterprise', newEnterprise({ idempotencyKey: 'x'.repeat(256) }));
    expect(long).toMatchObject({ status: 400, body: { errorCode: '450' } });
    await done(provider, 'createEnterprise', newEnterprise({ idempotencyKey: 'y'.repeat(255) }));
  });

  test('is stored without the secrets of the input or the result', async () => {
    const input = keyed(newBot(await enterprise(), { clientSecret: 'a-most-secret-secret' }));
    await done(provider, 'createBot', input);
    const held = await gateway.gateway.prisma.idempotencyKey.findFirstOrThrow({ where: { key: input.idempotencyKey } });
    expect(JSON.stringify(held)).not.toContain('a-most-secret');
    expect(JSON.stringify(held)).not.toContain(Buffer.from('a-most-secret-secret').toString('base64').slice(0, 20));
  });
});
