import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runAccount } from '../../../src/cli/database/account-commands.ts';
import { withDatabase } from '../../../src/cli/session.ts';
import { authenticate } from '../../../src/domain/access/accounts.ts';
import { accountSid } from '../../../src/domain/values/sid.ts';
import { createTestPlace, type TestPlace } from '../../support/database.ts';
import { createTestTerminal, type TestTerminal } from '../terminal.ts';

let place: TestPlace;
let terminal: TestTerminal;
beforeAll(async () => {
  place = await createTestPlace('empty');
  terminal = createTestTerminal(place);
});
beforeEach(() => {
  terminal.output();
});
afterAll(() => place.remove());

const account = async (...args: string[]) => ({ code: await runAccount(args, terminal), ...terminal.output() });
const tokenIn = (printed: string) => /^Auth token +([0-9a-f]{32}) /m.exec(printed)?.[1] ?? '';
const verify = (sid: string, token: string) => withDatabase(terminal, { mayCreate: false }, (session) => authenticate(session, sid, token));
const sid = accountSid('ops@example.com');

describe('npm run account', () => {
  test('does not create an embedded database just to find no account in it', async () => {
    if (place.settings.databaseUrl) return;
    expect(await account('list')).toMatchObject({ code: 1, complained: expect.stringMatching(/^There is no database in .* yet/) });
    expect(await account('rotate', sid)).toMatchObject({ code: 1 });
  });

  test('create creates an organization and its account in a new database and prints a working token', async () => {
    const { code, printed } = await account('create', '--email', 'Ops@Example.com', '--name', 'Operations', '--new-organization', 'Acme');
    expect(code).toBe(0);
    expect(printed).toContain(sid);
    expect(await verify(sid, tokenIn(printed))).toMatchObject({ accountSid: sid });
  });

  test('list shows every account and no token', async () => {
    const organization = /OR[0-9a-f]{32}/.exec((await account('list')).printed)?.[0] ?? '';
    const { printed: created } = await account('create', '--email', 'second@example.com', '--organization', organization);
    const { code, printed } = await account('list');
    expect(code).toBe(0);
    expect(printed).toMatch(new RegExp(`${sid} +ACTIVE +Ops@Example.com +Operations +read,write,secrets,audit +${organization} Acme`));
    expect(printed).toMatch(new RegExp(`${accountSid('second@example.com')} .*${organization} Acme`));
    expect(printed).not.toContain(tokenIn(created));
  });

  test('create --read-only creates an account that can only read', async () => {
    const { code, printed } = await account('create', '--email', 'reader@example.com', '--read-only', '--new-organization', 'Readers');
    expect([code, /^Permissions +(.*)$/m.exec(printed)?.[1]]).toEqual([0, 'read']);
    const made = await verify(accountSid('reader@example.com'), tokenIn(printed));
    expect(made).toMatchObject({ permissions: new Set(['read']) });
  });

  test('create, rotate, suspend and activate are recorded in the audit log, as actions of the operator', async () => {
    const recorded = () =>
      withDatabase(terminal, { mayCreate: false }, ({ prisma }) =>
        prisma.auditLog.findMany({ where: { targetSid: sid }, orderBy: { occurredAt: 'asc' } }),
      );
    const before = await recorded();
    expect(before).toMatchObject([{ action: 'account.create', accountSid: null, remoteAddress: null }]);
    for (const command of ['suspend', 'rotate', 'activate']) await account(command, sid);
    expect(await account('suspend', `AC${'0'.repeat(32)}`)).toMatchObject({ code: 1 });
    const rows = (await recorded()).slice(before.length);
    expect(rows.map(({ action }) => action)).toEqual(['account.suspend', 'account.rotateToken', 'account.activate']);
    expect(new Set(rows.map(({ organizationSid }) => organizationSid))).toEqual(new Set([before[0]?.organizationSid]));
  });

  test('rotate replaces the token; suspend and activate change the status', async () => {
    const first = tokenIn((await account('rotate', sid)).printed);
    const second = tokenIn((await account('rotate', sid)).printed);
    expect(await verify(sid, first)).toBeUndefined();
    expect(await verify(sid, second)).toMatchObject({ accountSid: sid });
    expect(await account('suspend', sid)).toMatchObject({ code: 0, printed: expect.stringMatching(/^Status +SUSPENDED$/m) });
    expect(await verify(sid, second)).toBe('INACTIVE');
    expect(await account('activate', sid)).toMatchObject({ code: 0, printed: expect.stringMatching(/^Status +ACTIVE$/m) });
    expect(await verify(sid, second)).toMatchObject({ accountSid: sid });
  });

  test.each([
    [['create', '--email', 'ops@example.com', '--new-organization', 'Again'], 'An account for ops@example.com already exists.\n'],
    [['create', '--email', 'new@example.com', '--organization', 'OR1'], 'There is no organization OR1.\n'],
    [['rotate', 'AC1'], 'There is no account AC1.\n'],
  ])('%j fails with exit code 1 and the reason', async (args, complained) => {
    expect(await account(...args)).toEqual({ code: 1, printed: '', complained });
  });

  test.each([
    [[], /npm run account -- create/],
    [['destroy'], /^There is no command "destroy"/],
    [['constructor'], /^There is no command "constructor"/],
    [['create'], /--email/],
    [['create', '--email', 'a@example.com'], /either --organization/],
    [['create', '--email', 'a@example.com', '--organization', 'OR1', '--new-organization', 'B'], /either --organization/],
    [['create', '--emial', 'a@example.com'], /--emial/],
    [['rotate'], /one account SID/],
    [['rotate', 'AC1', 'AC2'], /one account SID/],
    [['list', 'all'], /no arguments/],
  ])('%j is an invalid usage: exit code 2 and the correct one', async (args, complaint) => {
    expect(await account(...args)).toEqual({ code: 2, printed: '', complained: expect.stringMatching(complaint) });
  });

  test.each([['--help'], ['-h'], ['create', '--help']])('%s %s shows the usage', async (...args) => {
    expect(await account(...args)).toEqual({ code: 0, printed: expect.stringContaining('npm run account -- rotate SID'), complained: '' });
  });

  test('names an invalid setting', async () => {
    const broken = { ...terminal, env: { ...terminal.env, SECRETS_KEY: 'short' } };
    expect(await runAccount(['list'], broken)).toBe(1);
    expect(terminal.output().complained).toMatch(/^SECRETS_KEY is invalid: /);
  });

  test('changes nothing with a key that is not the database’s', async () => {
    const other = { ...terminal, env: { ...terminal.env, SECRETS_KEY: randomBytes(32).toString('base64') } };
    expect(await runAccount(['create', '--email', 'new@example.com', '--new-organization', 'New'], other)).toBe(1);
    expect(terminal.output().complained).toMatch(/^SECRETS_KEY is not the key/);
    expect((await account('list')).printed).not.toContain('new@example.com');
  });

  test('asks to stop the gateway that uses the embedded database', async () => {
    if (place.settings.databaseUrl) return;
    await withDatabase(terminal, { mayCreate: false }, async () => {
      expect(await account('list')).toMatchObject({
        code: 1,
        complained: expect.stringMatching(
          /in use by the gateway with process id \d+\. Stop it.*\nThe embedded database allows one process at a time/,
        ),
      });
    });
  });
});
