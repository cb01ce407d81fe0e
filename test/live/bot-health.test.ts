import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeHealth } from '../../src/domain/bots/bot-health.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { fold } from '../../src/domain/values/text.ts';
import { createBotHealth } from '../../src/live/bot-health.ts';
import type { BotHealthUpdate } from '../../src/live/health-watch.ts';
import { overheard } from '../execution/both-ways.ts';
import { done, fresh } from '../parity/faces.ts';
import type { Credentials } from '../support/credentials.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Provider } from '../support/gateway.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import type { Reader } from '../support/reader.ts';
import { graphqlSse, type Transport, transports } from '../support/transports.ts';

let gateway: LiveGateway;
/** The statements of SQL of our own. */
let asked: string[];
/** Called before each such read. */
let beforeRead: ((text: string) => void) | undefined;
/** Which server answers, as it says itself; the database's own unless given. */
let source: string | undefined;
beforeAll(async () => {
  const overhears = overheard(await createTestDatabase());
  ({ asked } = overhears);
  const { sql } = overhears.database;
  const read: typeof sql.read = async <Row extends object>(text: string, values: readonly unknown[]) => {
    beforeRead?.(text);
    const rows = await sql.read<Row>(text, values);
    return source === undefined ? rows : rows.map((row) => ('source' in row ? { ...row, source } : row));
  };
  // Hints alone wake a stream.
  gateway = await createLiveGateway({ live: { pollMs: 600_000 }, database: { ...overhears.database, sql: { ...sql, read } } });
});
afterAll(() => gateway.close());

const BOT_HEALTH = `subscription ($enterpriseSid: ID) {
  botHealth(enterpriseSid: $enterpriseSid) { hasMore bots { sid enterpriseSid enterprise { name } health { status code message cure } } }
}`;
const REFUSED = { status: 'UNHEALTHY', reason: 'BOT_CREDENTIALS', code: 'AADSTS7000222', message: 'The secret has expired.' } as const;

interface Bot {
  readonly provider: Provider;
  readonly enterpriseSid: string;
  readonly botSid: string;
}

async function createBot(provider: Provider): Promise<Bot> {
  const { organizationSid, accountSid } = provider;
  const [sid, name] = [newSid('EN'), fresh.name()];
  await gateway.database.prisma.enterprise.create({ data: { sid, organizationSid, accountSid, name, nameFolded: fold(name) } });
  const bot = {
    enterpriseSid: sid,
    applicationId: fresh.name(),
    tenantId: fresh.name(),
    clientSecret: fresh.name(),
    botAppId: fresh.name(),
  };
  return { provider, enterpriseSid: sid, botSid: (await done(provider, 'createBot', bot)).sid };
}

async function becomes({ botSid }: Bot, verdict: Parameters<typeof storeHealth>[2]): Promise<void> {
  await storeHealth(gateway.gateway, await gateway.database.prisma.bot.findUniqueOrThrow({ where: { sid: botSid } }), verdict);
}

interface Update {
  readonly hasMore: boolean;
  readonly bots: readonly { readonly sid: string; readonly health: { readonly status: string } }[];
}
const updatesOf = ({ updates }: Reader) => updates as unknown as Update[];
/** Each bot that a stream has named, as `sid STATUS`. */
const told = (reader: Reader) => updatesOf(reader).flatMap(({ bots }) => bots.map(({ sid, health }) => `${sid} ${health.status}`));
const subscribe = (as: Provider | Credentials, enterpriseSid?: string, transport: Transport = graphqlSse) =>
  transport.subscribe({ url: gateway.url, provider: as }, BOT_HEALTH, { enterpriseSid });
const isOfHealth = (text: string) => /health_seq|AND unhealthy/.test(text) && !text.startsWith('UPDATE');
const hasBegun = (reader: Reader) => reader.until(({ updates, errors }) => updates.length > 0 || errors.length > 0);

describe.each(transports.map((transport) => [transport.name, transport] as const))('over %s', (_name, transport: Transport) => {
  test('the stream begins with the bots that are unhealthy, then has each change; a new one misses nothing', async () => {
    const provider = await gateway.provider();
    const [bad, good] = [await createBot(provider), await createBot(provider)];
    await becomes(bad, REFUSED);
    await becomes(good, { status: 'HEALTHY' });
    const reader = await hasBegun(subscribe(provider, undefined, transport));
    expect(updatesOf(reader)).toMatchObject([
      {
        hasMore: false,
        bots: [
          {
            ...{ sid: bad.botSid, enterpriseSid: bad.enterpriseSid, enterprise: { name: expect.any(String) } },
            health: { status: 'UNHEALTHY', code: REFUSED.code, message: REFUSED.message, cure: expect.any(String) },
          },
        ],
      },
    ]);
    await becomes(good, { status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES', message: 'soon' });
    // The same again is no news.
    await becomes(bad, REFUSED);
    await reader.until((reader) => told(reader).includes(`${good.botSid} WARNING`));
    await becomes(bad, { status: 'HEALTHY' });
    await reader.until((reader) => told(reader).includes(`${bad.botSid} HEALTHY`));
    expect(told(reader)).toEqual([`${bad.botSid} UNHEALTHY`, `${good.botSid} WARNING`, `${bad.botSid} HEALTHY`]);
    reader.close();
    await becomes(good, { status: 'HEALTHY' });
    await becomes(bad, REFUSED);
    const again = await hasBegun(subscribe(provider, undefined, transport));
    expect(told(again)).toEqual([`${bad.botSid} UNHEALTHY`]);
    again.close();
  });
});

describe('the health of bots', () => {
  test('is streamed when only what there is to say of it changes, of what has lasted since then', async () => {
    const provider = await gateway.provider();
    const bot = await createBot(provider);
    const ends = { status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES' } as const;
    await becomes(bot, { ...ends, message: 'One ends.' });
    const { prisma } = gateway.database;
    const since = async () => (await prisma.bot.findUniqueOrThrow({ where: { sid: bot.botSid } })).healthSince;
    const before = await since();
    const reader = await hasBegun(subscribe(provider));
    await becomes(bot, { ...ends, message: 'One ends. Another one ends.' });
    await reader.until((reader) => updatesOf(reader).length > 1);
    expect(updatesOf(reader).at(-1)).toMatchObject({ bots: [{ sid: bot.botSid, health: { message: 'One ends. Another one ends.' } }] });
    expect(await since()).toEqual(before);
    reader.close();
  });

  test('continues from a restored database, and streams that had later changes get its present health', async () => {
    const provider = await gateway.provider();
    const [bad, good] = [await createBot(provider), await createBot(provider)];
    const reader = subscribe(provider);
    await becomes(bad, REFUSED);
    await hasBegun(reader);
    await becomes(bad, { status: 'HEALTHY' });
    await becomes(bad, REFUSED);
    await reader.until((reader) => told(reader).at(-1) === `${bad.botSid} UNHEALTHY` && told(reader).length > 1);
    // A backup with only the first change replaces the database.
    const { prisma } = gateway.database;
    const sid = provider.organizationSid;
    await prisma.$executeRaw`UPDATE bot SET unhealthy = false, health_status = 'UNKNOWN', health_seq = 0 WHERE sid = ${bad.botSid}`;
    await prisma.$executeRaw`UPDATE organization SET bot_health_seq = 0 WHERE sid = ${sid}`;
    await becomes(good, REFUSED);
    await reader.until((reader) => told(reader).includes(`${good.botSid} UNHEALTHY`));
    expect(told(reader).slice(-2).sort()).toEqual([`${bad.botSid} UNKNOWN`, `${good.botSid} UNHEALTHY`].sort());
    reader.close();
  });

  test('is brought to streams anew by a server that took over and has got past what they knew', async () => {
    const provider = await gateway.provider();
    const [bad, good] = [await createBot(provider), await createBot(provider)];
    const reader = await hasBegun(subscribe(provider));
    await becomes(bad, REFUSED);
    await reader.until((reader) => told(reader).includes(`${bad.botSid} UNHEALTHY`));
    // It lacks the last commit, and has numbered others since.
    const { prisma } = gateway.database;
    await prisma.$executeRaw`UPDATE bot SET unhealthy = false, health_status = 'UNKNOWN', health_seq = 0 WHERE sid = ${bad.botSid}`;
    const { botHealthSeq } = await prisma.organization.findUniqueOrThrow({ where: { sid: provider.organizationSid } });
    source = 'another';
    await becomes(good, { status: 'HEALTHY' });
    await reader.until((reader) => told(reader).includes(`${good.botSid} HEALTHY`) && told(reader).at(-1) !== `${bad.botSid} UNHEALTHY`);
    source = undefined;
    expect(botHealthSeq).toBeGreaterThan(0n);
    expect(told(reader).slice(-2).sort()).toEqual([`${bad.botSid} UNKNOWN`, `${good.botSid} HEALTHY`].sort());
    reader.close();
  });

  test('is streamed to those alone who may see the bot', async () => {
    const provider = await gateway.provider();
    const [one, other] = [await createBot(provider), await createBot(provider)];
    const stranger = await gateway.provider();
    const foreign = await createBot(stranger);
    const narrowed = await provider.graph(
      `mutation { issued: createAccessToken(input: { expiresIn: 3600, permissions: [READ], enterpriseSid: "${other.enterpriseSid}" }) { ... on CreateAccessTokenSuccess { token } } }`,
    );
    const token: Credentials = { token: narrowed.data.issued.token };
    const readers = [subscribe(provider), subscribe(provider, other.enterpriseSid), subscribe(token), subscribe(stranger)];
    await Promise.all(readers.map(hasBegun));
    await becomes(one, REFUSED);
    await becomes(other, REFUSED);
    await becomes(foreign, REFUSED);
    await Promise.all(readers.map((reader) => reader.until((reader) => told(reader).length > 0)));
    await readers[0]?.until((reader) => told(reader).length === 2);
    expect(readers.map(told)).toEqual([
      [`${one.botSid} UNHEALTHY`, `${other.botSid} UNHEALTHY`],
      [`${other.botSid} UNHEALTHY`],
      [`${other.botSid} UNHEALTHY`],
      [`${foreign.botSid} UNHEALTHY`],
    ]);
    for (const [as, enterpriseSid] of [
      [stranger, one.enterpriseSid],
      [token, one.enterpriseSid],
      [provider, newSid('EN')],
    ] as const)
      expect((await hasBegun(subscribe(as, enterpriseSid))).errorCode).toBe('ENTERPRISE_NOT_FOUND');
    expect((await subscribe({ user: provider.accountSid, password: 'wrong' }).hasEnded()).updates).toEqual([]);
    for (const reader of readers) reader.close();
  });

  test('of more bots than one update may have comes in several, the last of which says so', async () => {
    const provider = await gateway.provider();
    const { organizationSid, accountSid } = provider;
    const template = await gateway.database.prisma.bot.findUniqueOrThrow({ where: { sid: (await createBot(provider)).botSid } });
    const enterprises = Array.from({ length: 150 }, () => ({ sid: newSid('EN'), organizationSid, accountSid, name: fresh.name() }));
    await gateway.database.prisma.enterprise.createMany({ data: enterprises.map((one) => ({ ...one, nameFolded: fold(one.name) })) });
    await gateway.database.prisma.bot.createMany({
      data: enterprises.map(({ sid: enterpriseSid }) => ({
        ...{ ...template, sid: newSid('BE'), enterpriseSid },
        ...{ healthStatus: 'UNHEALTHY', healthReason: REFUSED.reason, unhealthy: true },
      })),
    });
    const reader = subscribe(provider);
    await reader.until((reader) => updatesOf(reader).some(({ hasMore }) => !hasMore));
    expect(updatesOf(reader).map(({ bots, hasMore }) => [bots.length, hasMore])).toEqual([
      [100, true],
      [50, false],
    ]);
    reader.close();
  });

  test('that changed for as many bots as are read at once is streamed, though the database refused to read on', async () => {
    const provider = await gateway.provider();
    const { prisma } = gateway.database;
    const { organizationSid, accountSid } = provider;
    const last = await createBot(provider);
    const template = await prisma.bot.findUniqueOrThrow({ where: { sid: last.botSid } });
    const enterprises = Array.from({ length: 99 }, () => ({ sid: newSid('EN'), organizationSid, accountSid, name: fresh.name() }));
    await prisma.enterprise.createMany({ data: enterprises.map((one) => ({ ...one, nameFolded: fold(one.name) })) });
    await prisma.bot.createMany({ data: enterprises.map(({ sid: enterpriseSid }) => ({ ...template, sid: newSid('BE'), enterpriseSid })) });
    const reader = await hasBegun(subscribe(provider));
    let reads = 0;
    beforeRead = (text) => {
      if (!/health_seq > /.test(text)) return;
      reads += 1;
      if (reads === 2) throw Object.assign(new Error('the database system is shutting down'), { code: '57P01', severity: 'FATAL' });
    };
    await prisma.bot.updateMany({
      where: { organizationSid, sid: { not: last.botSid } },
      data: { healthStatus: 'WARNING', healthReason: 'CREDENTIAL_EXPIRES', unhealthy: true },
    });
    await becomes(last, REFUSED);
    await reader.until((reader) => new Set(told(reader)).size === 100);
    beforeRead = undefined;
    expect(reads).toBeGreaterThanOrEqual(2);
    reader.close();
  });

  test('is read once for all who follow it, each with their own reach', async () => {
    const provider = await gateway.provider();
    const [one, other] = [await createBot(provider), await createBot(provider)];
    await becomes(one, REFUSED);
    const all = Array.from({ length: 12 }, () => subscribe(provider));
    const ofOne = Array.from({ length: 6 }, () => subscribe(provider, one.enterpriseSid));
    const ofOther = Array.from({ length: 6 }, () => subscribe(provider, other.enterpriseSid));
    const readers = [...all, ...ofOne, ...ofOther];
    await Promise.all(readers.map(hasBegun));
    asked.length = 0;
    await becomes(other, REFUSED);
    await becomes(one, { status: 'HEALTHY' });
    await Promise.all([...all, ...ofOne].map((reader) => reader.until((reader) => told(reader).includes(`${one.botSid} HEALTHY`))));
    await Promise.all(ofOther.map((reader) => reader.until((reader) => told(reader).length > 0)));
    // Two hints: the number of the last change and the bots for each, at most.
    expect(asked.filter(isOfHealth).length).toBeLessThanOrEqual(4);
    const [first, second] = [`${one.botSid} UNHEALTHY`, `${one.botSid} HEALTHY`];
    for (const reader of all) expect(told(reader)).toEqual([first, `${other.botSid} UNHEALTHY`, second]);
    for (const reader of ofOne) expect(told(reader)).toEqual([first, second]);
    for (const reader of ofOther) expect(told(reader)).toEqual([`${other.botSid} UNHEALTHY`]);
    for (const reader of readers) reader.close();
  });

  test.each([
    ['the first number', /bot_health_seq AS seq/],
    ['the unhealthy ones', /AND unhealthy/],
    ['a change', /health_seq > /],
  ])('is read again after the database refused once to read %s', async (_what, refused) => {
    const provider = await gateway.provider();
    const [one, other] = [await createBot(provider), await createBot(provider)];
    await becomes(one, REFUSED);
    let refusals = 0;
    beforeRead = (text) => {
      if (!refused.test(text) || refusals > 0) return;
      refusals += 1;
      throw Object.assign(new Error('the database system is shutting down'), { code: '57P01', severity: 'FATAL' });
    };
    const readers = [subscribe(provider), subscribe(provider)];
    await Promise.all(readers.map(hasBegun));
    await becomes(other, REFUSED);
    await Promise.all(readers.map((reader) => reader.until((reader) => told(reader).length === 2)));
    beforeRead = undefined;
    expect(refusals).toBe(1);
    for (const reader of readers) {
      expect(told(reader)).toEqual([`${one.botSid} UNHEALTHY`, `${other.botSid} UNHEALTHY`]);
      reader.close();
    }
  });

  test('is found by another instance without a hint, in the order of the changes, whichever instance stores it', async () => {
    const provider = await gateway.provider();
    const [one, other] = [await createBot(provider), await createBot(provider)];
    const { prisma, sql } = gateway.database;
    const stopping = new AbortController();
    const log = pino({ level: 'silent' });
    const elsewhere = createBotHealth({
      prisma,
      sql,
      inTurn: gateway.statements,
      log,
      pollMs: 10,
      idleMs: 60_000,
      signal: stopping.signal,
    });
    const caller: Caller = {
      organizationSid: provider.organizationSid,
      accountSid: provider.accountSid,
      permissions: new Set(),
      requestId: '',
    };
    const updates = await elsewhere.follow(caller);
    expect((await updates.next()).value?.bots).toEqual([]);
    for (const { botSid } of [other, one])
      await prisma.bot.update({ where: { sid: botSid }, data: { healthStatus: 'HEALTHY', healthSince: new Date(1) } });
    const found: string[] = [];
    while (found.length < 2) found.push(...((await updates.next()).value as BotHealthUpdate).bots.map(({ sid }) => sid));
    expect(found).toEqual([other.botSid, one.botSid]);
    // Ends whatever is waited for.
    const next = updates.next();
    await updates.return();
    expect(await next).toMatchObject({ done: true });
    const last = await elsewhere.follow(caller);
    await last.next();
    const waiting = last.next();
    stopping.abort();
    expect(await waiting).toMatchObject({ done: true });
  });
});
