import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runMove } from '../../../src/cli/database/move-command.ts';
import { runSeed } from '../../../src/cli/seed/command.ts';
import { withDatabase } from '../../../src/cli/session.ts';
import { authenticate } from '../../../src/domain/access/accounts.ts';
import { createTestPlace, type TestPlace } from '../../support/database.ts';
import { createTestTerminal, type TestTerminal } from '../terminal.ts';

test('npm run move without a target shows its usage', async () => {
  const terminal = createTestTerminal({ settings: { dataDir: 'unused' }, remove: async () => {} });
  for (const args of [[], ['--to'], ['--to', 'mysql://h/d'], ['--from', 'x']]) expect(await runMove(args, terminal)).toBe(2);
  expect(terminal.output().complained).toContain('npm run move -- --to postgresql://');
});

describe.runIf(inject('postgres'))('npm run move', () => {
  let place: TestPlace;
  let embedded: TestTerminal;
  let issued: string[];
  let url: string;
  beforeAll(async () => {
    place = await createTestPlace('empty');
    url = place.settings.databaseUrl ?? '';
    embedded = createTestTerminal(place);
    embedded.env.DATABASE_URL = undefined;
    expect(await runSeed([], embedded)).toBe(0);
    issued = embedded.output().printed.match(/AC[0-9a-f]{32}:[0-9a-f]{32}(?= .*, ACTIVE,)/g) ?? [];
  });
  afterAll(() => place.remove());

  const move = async (terminal: TestTerminal) => ({ code: await runMove(['--to', url], terminal), ...terminal.output() });

  test('copies everything to an empty PostgreSQL, with accounts that work and secrets that open, and leaves the source as it was', async () => {
    const { code, printed, complained } = await move(embedded);
    expect({ code, complained }).toEqual({ code: 0, complained: '' });
    expect(printed).toMatch(/^message +\d{4}$/m);
    expect(printed).toContain('rows copied and compared. Start the gateway with DATABASE_URL and the same SECRETS_KEY');
    const rowsOf = (terminal: TestTerminal) =>
      withDatabase(terminal, { mayCreate: false }, async ({ prisma, secrets }) => {
        const outcomes = await Promise.all(issued.map((login) => authenticate({ prisma, secrets }, login.slice(0, 34), login.slice(35))));
        const bots = await prisma.bot.findMany({ orderBy: { sid: 'asc' } });
        return {
          organizations: outcomes.map((outcome) => typeof outcome === 'object' && outcome.organizationSid),
          secrets: bots.map((bot) => secrets.open(bot.clientSecret, bot.sid)),
          messages: await prisma.message.findMany({ orderBy: { sid: 'asc' } }),
          events: await prisma.messageEvent.findMany({ orderBy: [{ organizationSid: 'asc' }, { seq: 'asc' }] }),
          counts: await prisma.messageCount.findMany({ orderBy: { organizationSid: 'asc' } }),
        };
      });
    const moved = await rowsOf({ ...embedded, env: { ...embedded.env, DATABASE_URL: url } });
    expect(moved).toEqual(await rowsOf(embedded));
    expect(moved.organizations).not.toContain(false);
    expect(moved.messages.length).toBeGreaterThan(3000);
  });

  test('refuses a database that a gateway has used, and changes nothing there', async () => {
    const { code, complained } = await move(embedded);
    expect({ code, complained }).toEqual({
      code: 1,
      complained: 'The database has accounts already. Use one that no gateway has used yet.\n',
    });
  });

  test('says where it looked for an embedded database, if there is none', async () => {
    const elsewhere = { ...embedded, env: { ...embedded.env, DATA_DIR: `${place.settings.dataDir}/none` } };
    expect(await move(elsewhere)).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/^There is no database in .*none \(DATA_DIR\)/),
    });
  });
});
