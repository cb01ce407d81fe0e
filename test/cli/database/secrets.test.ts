import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runAccount } from '../../../src/cli/database/account-commands.ts';
import { runSecrets } from '../../../src/cli/database/secrets-command.ts';
import { withDatabase } from '../../../src/cli/session.ts';
import { authenticate } from '../../../src/domain/access/accounts.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { createTestPlace, type TestPlace } from '../../support/database.ts';
import { createTestTerminal, type TestTerminal } from '../terminal.ts';

let place: TestPlace;
let terminal: TestTerminal;
let account: { sid: string; token: string };
let botSid: string;

beforeAll(async () => {
  place = await createTestPlace('empty');
  terminal = createTestTerminal(place);
  const [old, current] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
  terminal.env.SECRETS_KEY = old;
  await runAccount(['create', '--email', 'ops@example.com', '--new-organization', 'Acme'], terminal);
  const { printed } = terminal.output();
  account = { sid: /AC[0-9a-f]{32}/.exec(printed)?.[0] ?? '', token: /token +(\S+)/.exec(printed)?.[1] ?? '' };
  botSid = await withDatabase(terminal, { mayCreate: false }, async ({ prisma, secrets }) => {
    const { organizationSid, sid: accountSid } = await prisma.account.findFirstOrThrow();
    const enterpriseSid = newSid('EN');
    await prisma.enterprise.create({ data: { sid: enterpriseSid, organizationSid, accountSid, name: 'Kohl', nameFolded: 'kohl' } });
    const sid = newSid('BE');
    const clientSecret = secrets.seal('a-client-secret', sid);
    const azure = { applicationId: 'a', tenantId: 't', botAppId: 'b', clientSecret, clientSecretHint: 'cret' };
    await prisma.bot.create({ data: { sid, organizationSid, accountSid, enterpriseSid, ...azure } });
    return sid;
  });
  terminal.env.SECRETS_KEY = undefined;
  terminal.env.SECRETS_KEYS = `${current}, ${old}`;
});
beforeEach(() => {
  terminal.output();
});
afterAll(() => place.remove());

const secrets = async (...args: string[]) => ({ code: await runSecrets(args, terminal), ...terminal.output() });

describe('npm run secrets:rotate', () => {
  test('prints for each table how many values were migrated and how many still need a retired key', async () => {
    const { code, printed } = await secrets();
    expect(code).toBe(0);
    expect(printed).toMatch(/^bot +client secrets +1 done +0 left$/m);
    expect(printed).toMatch(/^account +digests of auth tokens +0 done +1 left {2}\(replaced when the account next logs in/m);
    expect(printed).toMatch(/^Keep the retired keys, and run this again\.$/m);
    for (const key of terminal.env.SECRETS_KEYS?.split(', ') ?? []) expect(printed).not.toContain(key);
  });

  test('says when no value needs a retired key anymore, and then the new key alone is enough', async () => {
    await withDatabase(terminal, { mayCreate: false }, (session) => authenticate(session, account.sid, account.token));
    const { code, printed } = await secrets();
    expect(code).toBe(0);
    expect(printed).toMatch(/^No value needs a retired key anymore: /m);
    terminal.env.SECRETS_KEYS = terminal.env.SECRETS_KEYS?.split(',')[0];
    await withDatabase(terminal, { mayCreate: false }, async ({ prisma, ...session }) => {
      expect(await authenticate({ prisma, ...session }, account.sid, account.token)).toMatchObject({ accountSid: account.sid });
      const { clientSecret } = await prisma.bot.findUniqueOrThrow({ where: { sid: botSid } });
      expect(session.secrets.open(clientSecret, botSid)).toBe('a-client-secret');
    });
  });

  test('exits with 1 and names the values that it could not migrate', async () => {
    await withDatabase(terminal, { mayCreate: false }, ({ prisma }) =>
      prisma.bot.update({ where: { sid: botSid }, data: { clientSecret: new Uint8Array(40) } }),
    );
    expect(await secrets()).toMatchObject({ code: 1, complained: `bot (client secrets) could not be migrated: ${botSid}\n` });
  });

  test('takes no arguments, or --new-key if the database has a key file', async () => {
    expect(await secrets('--force')).toMatchObject({ code: 2, complained: expect.stringContaining('npm run secrets:rotate') });
    expect(await secrets('--new-key')).toMatchObject({ code: 2, complained: expect.stringContaining('SECRETS_KEYS') });
  });
});

test('--new-key retires the key in the key file, whose secrets still open until its line is removed', async () => {
  if (place.settings.databaseUrl) return;
  const own = await createTestPlace('empty');
  const keeper = createTestTerminal(own);
  keeper.env.SECRETS_KEY = undefined;
  try {
    await runAccount(['create', '--email', 'ops@example.com', '--new-organization', 'Acme'], keeper);
    const token = /token +(\S+)/.exec(keeper.output().printed)?.[1] ?? '';
    const lines = async () => (await readFile(join(own.settings.dataDir, 'secrets.key'), 'utf8')).trim().split('\n');
    const [old] = await lines();
    expect(await runSecrets(['--new-key'], keeper)).toBe(0);
    const [current, ...retired] = await lines();
    expect(current).not.toBe(old);
    expect(retired).toEqual([old]);
    await withDatabase(keeper, { mayCreate: false }, async (session) => {
      const { sid } = await session.prisma.account.findFirstOrThrow();
      expect(await authenticate(session, sid, token)).toMatchObject({ accountSid: sid });
    });
    expect(await runSecrets([], keeper)).toBe(0);
    expect(keeper.output().printed).toContain('No value needs a retired key anymore');
  } finally {
    await own.remove();
  }
});
