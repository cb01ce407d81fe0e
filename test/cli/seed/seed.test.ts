import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runSeed } from '../../../src/cli/seed/command.ts';
import { demoData } from '../../../src/cli/seed/data.ts';
import { type Session, withDatabase } from '../../../src/cli/session.ts';
import { openApi } from '../../../src/contract/openapi/openapi.ts';
import { authenticate } from '../../../src/domain/access/accounts.ts';
import { entersBelow, statusRank } from '../../../src/domain/messages/message-status.ts';
import { createTestPlace, type TestPlace } from '../../support/database.ts';
import { createTestTerminal, type TestTerminal } from '../terminal.ts';

let place: TestPlace;
let terminal: TestTerminal;
let printed: string;
const bootstrap = { BOOTSTRAP_ACCOUNT_SID: `AC${'1'.repeat(32)}`, BOOTSTRAP_AUTH_TOKEN: 'a-token-of-my-own' };
beforeAll(async () => {
  place = await createTestPlace('empty');
  const plain = createTestTerminal(place);
  terminal = { ...plain, env: { ...plain.env, ...bootstrap } };
  expect(await runSeed([], terminal)).toBe(0);
  printed = terminal.output().printed;
});
afterAll(() => place.remove());

const inDatabase = <Result>(work: (session: Session) => Promise<Result>) => withDatabase(terminal, { mayCreate: false }, work);

describe('npm run seed', () => {
  test('creates two organizations, and prints working tokens of their accounts', async () => {
    const issued = [...printed.matchAll(/(AC[0-9a-f]{32}):([0-9a-f]{32}) .*, (ACTIVE|SUSPENDED),/g)];
    expect(issued).toHaveLength(4);
    const outcomes = await inDatabase((session) =>
      Promise.all(issued.map(([, sid = '', token = '']) => authenticate(session, sid, token))),
    );
    expect(outcomes.filter((outcome) => outcome === 'INACTIVE')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(0);
    expect(new Set(outcomes.map((outcome) => typeof outcome === 'object' && outcome.organizationSid)).size).toBe(3);
  });

  test('creates enterprises of every status, thousands of messages of every status, and secrets that open', async () => {
    await inDatabase(async ({ prisma, secrets }) => {
      expect((await prisma.enterprise.groupBy({ by: ['organizationSid', 'status'] })).length).toBe(6);
      expect((await prisma.message.groupBy({ by: ['channelStatus'] })).length).toBe(8);
      expect(await prisma.message.count()).toBeGreaterThan(3000);
      for (const bot of await prisma.bot.findMany()) {
        const secret = secrets.open(bot.clientSecret, bot.sid);
        expect(secret.slice(-4)).toBe(bot.clientSecretHint);
      }
      expect(await prisma.mapping.count({ where: { enterprise: { status: 'CLOSED' } } })).toBe(0);
    });
  });

  test('creates an event log without gaps, in order, which ends with each message’s status', async () => {
    await inDatabase(async ({ prisma }) => {
      const messages = new Map((await prisma.message.findMany()).map((message) => [message.sid, message]));
      const histories = new Map<string, string>();
      for (const head of await prisma.eventHead.findMany()) {
        const events = await prisma.messageEvent.findMany({ where: { organizationSid: head.organizationSid }, orderBy: { seq: 'asc' } });
        expect(events.map(({ seq }) => Number(seq))).toEqual(events.map((_, index) => index + 1));
        expect(head.seq).toBe(BigInt(events.length));
        expect(events.map(({ occurredAt }) => occurredAt.getTime())).toEqual(
          events.map(({ occurredAt }) => occurredAt.getTime()).sort((a, b) => a - b),
        );
        for (const { messageSid, status, previousStatus } of events) {
          expect(previousStatus).toBe(histories.get(messageSid) ?? null);
          if (previousStatus) expect(statusRank(previousStatus)).toBeLessThan(entersBelow(status));
          histories.set(messageSid, status);
        }
      }
      expect(histories.size).toBe(messages.size);
      for (const [sid, status] of histories)
        expect(messages.get(sid)).toMatchObject({
          channelStatus: status,
          statusRank: statusRank(messages.get(sid)?.channelStatus ?? 'QUEUED'),
        });
    });
  });

  test('changes nothing the second time', async () => {
    const count = () =>
      inDatabase(({ prisma }) => Promise.all([prisma.account.count(), prisma.message.count(), prisma.messageEvent.count()]));
    const before = await count();
    expect(await runSeed([], terminal)).toBe(0);
    expect(terminal.output().printed).toMatch(/^The demo data exists already; nothing was changed\./);
    expect(await count()).toEqual(before);
  });

  test('also creates the configured first account, which the gateway would no longer create', async () => {
    const outcome = await inDatabase((session) => authenticate(session, bootstrap.BOOTSTRAP_ACCOUNT_SID, bootstrap.BOOTSTRAP_AUTH_TOKEN));
    expect(outcome).toMatchObject({ accountSid: bootstrap.BOOTSTRAP_ACCOUNT_SID });
    expect(printed).not.toContain(bootstrap.BOOTSTRAP_AUTH_TOKEN);
  });

  test('takes no arguments and shows its usage', async () => {
    expect(await runSeed(['--all'], terminal)).toBe(2);
    expect(terminal.output().complained).toContain('npm run seed');
    expect(await runSeed(['--help'], terminal)).toBe(0);
    expect(terminal.output().printed).toContain('npm run seed');
  });
});

test('the demo data has every record that the examples of the OpenAPI document name, and none that they create', () => {
  const { paths } = openApi({ restTimestamps: 'iso', restBotSecrets: 'plain' }) as {
    paths: Record<
      string,
      Record<
        string,
        { parameters?: { name: string; example?: string }[]; requestBody?: { content: { 'application/json': { example: object } } } }
      >
    >;
  };
  const [{ enterprises, bots, mappings, messages } = { enterprises: [], bots: [], mappings: [], messages: [] }] = demoData(new Date());
  const sids = new Set([...enterprises, ...bots, ...mappings, ...messages].map(({ sid }) => sid));
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    const { parameters = [], requestBody } = operation;
    const named = parameters.filter(({ name }) => name === 'sid').map(({ example }) => example);
    const body: { enterpriseSid?: string; externalAddress?: string } = requestBody?.content['application/json'].example ?? {};
    for (const sid of [...named, body.enterpriseSid]) if (sid) expect(sids).toContain(sid);
    expect(mappings.map(({ externalAddress }) => externalAddress)).not.toContain(body.externalAddress);
  }
  expect(enterprises.map(({ name }) => name)).not.toEqual(expect.arrayContaining(['Kohl']));
  expect(enterprises.map(({ name }) => name)).not.toEqual(expect.arrayContaining(['test 101']));
  expect(bots.map(({ enterpriseSid }) => enterpriseSid)).not.toContain('EN97154a1c491a44f3afe05880bcc1f147');
});

test('the demo data is always the same except for its times, which follow the clock', () => {
  const [now, later] = [new Date('2026-01-01T12:00:00Z'), new Date('2026-03-05T18:30:00Z')];
  const withoutTimes = (organizations: unknown) =>
    JSON.stringify(organizations, (name, value) =>
      name.startsWith('date') || name === 'occurredAt' ? undefined : typeof value === 'bigint' ? Number(value) : value,
    );
  expect(withoutTimes(demoData(later))).toBe(withoutTimes(demoData(now)));
  for (const { messages } of demoData(now))
    for (const { dateUpdated } of messages) expect(new Date(dateUpdated ?? 0).getTime()).toBeLessThanOrEqual(now.getTime());
});
