import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import {
  AccountError,
  activateAccount,
  authenticate,
  bootstrapAccount,
  createAccount,
  listAccounts,
  rotateToken,
  suspendAccount,
} from '../../../src/domain/access/accounts.ts';
import { createSecrets } from '../../../src/domain/secrets.ts';
import { accountSid } from '../../../src/domain/values/sid.ts';
import { createTestDatabase } from '../../support/database.ts';

let database: Database;
const secrets = createSecrets(randomBytes(32));
const deps = () => ({ prisma: database.prisma, sql: database.sql, secrets });
const newProvider = (email: string) => createAccount(deps(), { email, organization: { name: 'Provider' } });

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.prisma.account.deleteMany();
  await database.prisma.organization.deleteMany();
});
afterAll(() => database.close());

describe('a new account', () => {
  test('has Restcomm’s SID of its e-mail, a token of 32 hex digits and a provider’s permissions', async () => {
    const { account, authToken } = await newProvider(' Bta@Tele.com ');
    expect(account).toMatchObject({
      sid: accountSid('bta@tele.com'),
      email: 'Bta@Tele.com',
      friendlyName: 'Bta@Tele.com',
      status: 'ACTIVE',
    });
    expect(authToken).toMatch(/^[0-9a-f]{32}$/);
    expect(await authenticate(deps(), account.sid, authToken)).toEqual({
      accountSid: account.sid,
      organizationSid: account.organizationSid,
      permissions: new Set(['read', 'write', 'secrets', 'audit']),
      credentialDigest: expect.any(String),
    });
  });

  test('does not store its token: neither its details nor the database contain it', async () => {
    const { account, authToken } = await newProvider('a@example.com');
    const row = await database.prisma.account.findUniqueOrThrow({ where: { sid: account.sid } });
    expect(Buffer.from(row.tokenDigest).toString('latin1')).not.toContain(authToken);
    expect(inspect([row, account, await listAccounts(deps())], { depth: null })).not.toContain(authToken);
    expect(account).not.toHaveProperty('tokenDigest');
    expect((await listAccounts(deps()))[0]).not.toHaveProperty('tokenDigest');
  });

  test('joins an existing organization', async () => {
    const { account } = await newProvider('a@example.com');
    const second = await createAccount(deps(), {
      email: 'b@example.com',
      organization: { sid: account.organizationSid },
      permissions: ['read'],
    });
    expect(second.account).toMatchObject({ organizationSid: account.organizationSid, permissions: ['read'] });
    expect((await listAccounts(deps())).map(({ email, organization }) => [email, organization.name])).toEqual([
      ['a@example.com', 'Provider'],
      ['b@example.com', 'Provider'],
    ]);
  });

  test.each([
    ['A@Example.com', { name: 'Another' }, 'An account for A@Example.com already exists.'],
    ['b@example.com', { sid: 'OR1' }, 'There is no organization OR1.'],
    ['b.example.com', { name: 'Another' }, '"b.example.com" is not an e-mail address.'],
    ['b@exa\u0000mple.com', { name: 'Another' }, '"b@exa\\u0000mple.com" is not an e-mail address.'],
    ['b@example.com', { name: ' ' }, '"" is not a name of 1 to 255 characters.'],
  ])('for %s in %o is refused and leaves nothing behind', async (email, organization, message) => {
    await newProvider('a@example.com');
    await expect(createAccount(deps(), { email, organization })).rejects.toThrow(new AccountError(message));
    expect(await database.prisma.organization.count()).toBe(1);
    expect(await database.prisma.account.count()).toBe(1);
  });

  test('of one e-mail is created once by many simultaneous requests', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => newProvider('a@example.com')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AccountError);
    expect(await database.prisma.organization.count()).toBe(1);
  });
});

describe('credentials', () => {
  test('that are wrong or unknown match no account, in any form', async () => {
    const { account, authToken } = await newProvider('a@example.com');
    const other = await newProvider('b@example.com');
    for (const [sid, token] of [
      [account.sid, other.authToken],
      [account.sid, ''],
      [account.sid, authToken.toUpperCase()],
      [account.sid, `${authToken}\u0000`],
      [accountSid('nobody@example.com'), authToken],
      [account.sid.toUpperCase(), authToken],
      [`${account.sid}\u0000`, authToken],
      ['', ''],
    ] as const) {
      expect(await authenticate(deps(), sid, token)).toBeUndefined();
    }
  });

  test('cost the same work for an unknown account and a wrong token', async () => {
    const { account } = await newProvider('a@example.com');
    const work: string[] = [];
    const seen = <Result>(what: string, result: Result) => {
      work.push(what);
      return result;
    };
    const watched = {
      prisma: database.prisma.$extends({ query: { $allOperations: ({ operation, args, query }) => seen(operation, query(args)) } }),
      secrets: { ...secrets, matches: (...args: Parameters<typeof secrets.matches>) => seen('matches', secrets.matches(...args)) },
    } as unknown as ReturnType<typeof deps>;
    await authenticate(watched, account.sid, 'wrong');
    const forWrongToken = work.splice(0);
    await authenticate(watched, accountSid('nobody@example.com'), 'wrong');
    expect(work).toEqual(forWrongToken);
    expect(work).toEqual(['findUnique', 'matches']);
  });

  test('end with a rotation, which gives new ones', async () => {
    const { account, authToken } = await newProvider('a@example.com');
    const rotated = await rotateToken(deps(), account.sid);
    expect(await authenticate(deps(), account.sid, authToken)).toBeUndefined();
    expect(await authenticate(deps(), account.sid, rotated.authToken)).toMatchObject({ accountSid: account.sid });
  });

  test('of a suspended account differ from wrong ones only with the right token, and work again once it is activated', async () => {
    const { account, authToken } = await newProvider('a@example.com');
    expect(await suspendAccount(deps(), account.sid)).toMatchObject({ status: 'SUSPENDED' });
    expect(await authenticate(deps(), account.sid, authToken)).toBe('INACTIVE');
    expect(await authenticate(deps(), account.sid, 'wrong')).toBeUndefined();
    expect(await activateAccount(deps(), account.sid)).toMatchObject({ status: 'ACTIVE' });
    expect(await authenticate(deps(), account.sid, authToken)).toMatchObject({ accountSid: account.sid });
  });

  test('of a CLOSED account never work again', async () => {
    const { account, authToken } = await newProvider('a@example.com');
    await database.prisma.account.update({ where: { sid: account.sid }, data: { status: 'CLOSED' } });
    expect(await authenticate(deps(), account.sid, authToken)).toBe('INACTIVE');
    for (const change of [rotateToken, suspendAccount, activateAccount]) {
      await expect(change(deps(), account.sid)).rejects.toThrow(new AccountError(`The account ${account.sid} is CLOSED, which is final.`));
    }
  });

  test('of an unknown account cannot be changed', async () => {
    for (const change of [rotateToken, suspendAccount, activateAccount]) {
      await expect(change(deps(), 'AC1')).rejects.toThrow(new AccountError('There is no account AC1.'));
    }
  });

  test('ignore permissions that this gateway does not know', async () => {
    const { account, authToken } = await newProvider('a@example.com');
    await database.prisma.account.update({ where: { sid: account.sid }, data: { permissions: ['read', 'fly'] } });
    expect(await authenticate(deps(), account.sid, authToken)).toMatchObject({ permissions: new Set(['read']) });
  });
});

describe('the first account of a new database', () => {
  test('is the configured one, with its SID', async () => {
    const settings = {
      bootstrapAccountSid: `AC${'0'.repeat(32)}`,
      bootstrapAuthToken: 'a-token-of-my-own',
      bootstrapAccountEmail: 'me@example.com',
    };
    const made = await bootstrapAccount(deps(), settings);
    expect(made).toMatchObject({ account: { sid: settings.bootstrapAccountSid, email: 'me@example.com' }, authTokenMadeUp: false });
    expect(await authenticate(deps(), settings.bootstrapAccountSid, 'a-token-of-my-own')).toMatchObject({
      organizationSid: made?.account.organizationSid,
    });
  });

  test('is generated if nothing is configured', async () => {
    const made = await bootstrapAccount(deps(), {});
    expect(made).toMatchObject({ authTokenMadeUp: true, account: { sid: accountSid(made?.account.email ?? '') } });
    expect(await authenticate(deps(), made?.account.sid ?? '', made?.authToken ?? '')).toMatchObject({ accountSid: made?.account.sid });
  });

  test('is created once by gateways that start at the same time, and never if there are accounts', async () => {
    const made = await Promise.all(Array.from({ length: 6 }, () => bootstrapAccount(deps(), {})));
    expect(made.filter((issued) => issued !== undefined)).toHaveLength(1);
    expect(await bootstrapAccount(deps(), { bootstrapAccountEmail: 'another@example.com' })).toBeUndefined();
    expect(await database.prisma.organization.count()).toBe(1);
  });

  test('is not looked up with another master key, which would refuse every caller', async () => {
    await newProvider('a@example.com');
    const other = { ...deps(), secrets: createSecrets(randomBytes(32)) };
    await expect(bootstrapAccount(other, {})).rejects.toThrow(/^SECRETS_KEY is not the key/);
  });
});
