import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ChannelStatus } from '../../../prisma/client/enums.ts';
import { acceptMessage } from '../../../src/domain/messages/message-log.ts';
import { statusRank } from '../../../src/domain/messages/message-status.ts';
import { applyReport } from '../../../src/exchange/reports.ts';
import { RECOVER_INBOUND, reconcileStatuses, recoverInbound } from '../../../src/exchange/restcomm/reconciler.ts';
import { done } from '../../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => exchange.restcomm.faults.clear());

const PHONE = '+4917012345671';

/** Writes texts as the Teams user, with a word in each: digits alone may be a number. @returns the messages' sids */
async function write(count: number): Promise<string[]> {
  const bodies = Array.from({ length: count }, () => `text ${randomBytes(6).toString('hex')}`);
  for (const body of bodies) expect(await exchange.say(customer, customer.user, `${PHONE} ${body}`)).toBe(200);
  const messages = await exchange.messages(customer.provider, { direction: 'INBOUND' });
  return bodies.map((body) => messages.find((message) => message.body === body)?.sid);
}

const statusesOf = async (sid: string): Promise<ChannelStatus[]> => {
  const { events } = await exchange.message(customer.provider, sid);
  return events.map(({ status }: { status: ChannelStatus }) => status);
};

/** The organization's log holds every number from 1 on, once. */
async function expectGapless() {
  const rows = await exchange.gateway.prisma.messageEvent.findMany({
    where: { organizationSid: customer.provider.organizationSid },
    orderBy: { seq: 'asc' },
    select: { seq: true },
  });
  expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 1));
}

describe('the state machine', () => {
  test('reaches the same end if reports are shuffled, repeated and overlapping, and each advance is one event', async () => {
    const courses = fc.constantFrom<ChannelStatus[]>(
      ['SENDING', 'SENT', 'DELIVERED'],
      ['SENDING', 'SENT', 'FAILED'],
      ['SENDING', 'UNDELIVERED'],
    );
    const runs = courses.chain((course) =>
      fc.record({
        end: fc.constant(course.at(-1)),
        reports: fc.shuffledSubarray([...course, ...course, ...course], { minLength: course.length * 3 }),
        atOnce: fc.integer({ min: 1, max: 4 }),
      }),
    );
    const { prisma } = exchange.gateway;
    await fc.assert(
      fc.asyncProperty(runs, async ({ end, reports, atOnce }) => {
        const stored = await acceptMessage(exchange.gateway.sql, {
          organizationSid: customer.provider.organizationSid,
          enterpriseSid: customer.enterpriseSid,
          mappingSid: customer.mappingSid,
          accountSid: customer.provider.accountSid,
          direction: 'INBOUND',
          from: customer.user.userPrincipalName,
          to: PHONE,
          body: 'property',
          restcommMessageSid: `SM${randomBytes(16).toString('hex')}`,
          lane: `property:${randomBytes(8).toString('hex')}`,
        });
        const sid = stored?.sid ?? '';
        const message = { sid, organizationSid: customer.provider.organizationSid, direction: 'INBOUND' } as const;
        let advances = 0;
        for (let index = 0; index < reports.length; index += atOnce) {
          const taken = await Promise.all(
            reports.slice(index, index + atOnce).map((status) => applyReport(exchange.gateway, message, { status })),
          );
          advances += taken.filter(Boolean).length;
        }
        const {
          channelStatus,
          statusRank: rank,
          events,
        } = await prisma.message.findUniqueOrThrow({
          where: { sid },
          include: { events: { orderBy: { seq: 'asc' } } },
        });
        expect(channelStatus).toBe(end);
        expect(rank).toBe(statusRank(channelStatus));
        // The dispatcher may have reported SENDING as well.
        expect([advances, advances + 1]).toContain(events.length - 1);
        for (const [index, event] of events.entries()) expect(event.previousStatus).toBe(events[index - 1]?.status ?? null);
        const ranks = events.map(({ status }) => statusRank(status));
        expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
      }),
      { numRuns: 25 },
    );
    await expectGapless();
  });

  test('holds over HTTP, with duplicate callbacks out of order', async () => {
    exchange.restcomm.faults.always('statusCallback', () => ({ duplicate: Math.random() < 0.5, late: Math.random() < 0.5 }));
    for (const sid of await write(12)) {
      // A callback that was put back behind one that never comes is for the reconciler.
      await until(async () => {
        await reconcileStatuses(exchange.gateway, { quietMs: 0 });
        return (await exchange.message(customer.provider, sid)).channelStatus === 'DELIVERED';
      });
      const ranks = (await statusesOf(sid)).map(statusRank);
      expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
    }
    await expectGapless();
  });

  test('accepts a callback that arrives before the response to the send request', async () => {
    exchange.restcomm.faults.next('send', { early: true });
    const [sid = ''] = await write(1);
    await exchange.ends(customer.provider, sid, 'DELIVERED');
    await until(async () => (await exchange.gateway.prisma.outbox.count({ where: { messageSid: sid } })) === 0);
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'DELIVERED', possiblyDuplicated: false });
    expect(await statusesOf(sid)).toEqual(['QUEUED', 'SENT', 'DELIVERED']);
  });
});

describe('the reconciler', () => {
  test('finds the final status of messages whose callbacks were lost', async () => {
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    const sids = await write(3);
    for (const sid of sids) await exchange.ends(customer.provider, sid, 'SENDING');
    await exchange.restcomm.until(() =>
      exchange.restcomm.messages.filter(({ direction }) => direction === 'outbound-api').every(({ status }) => status === 'delivered'),
    );
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 60_000 })).toBe(0);
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(3);
    for (const sid of sids) expect(await statusesOf(sid)).toEqual(['QUEUED', 'SENDING', 'DELIVERED']);
  });

  test('continues after a message that the platform cannot be asked for, and records nothing without a change', async () => {
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    const sids = await write(3);
    for (const sid of sids) await exchange.ends(customer.provider, sid, 'SENDING');
    exchange.restcomm.faults.next('message', { status: 500 });
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(2);
    const { prisma } = exchange.gateway;
    const failed = await prisma.message.findFirstOrThrow({ where: { sid: { in: sids }, channelStatus: 'SENDING' } });
    expect(failed.dateUpdated).toEqual(
      (await prisma.messageEvent.findFirstOrThrow({ where: { messageSid: failed.sid, status: 'SENDING' } })).occurredAt,
    );
    const line = exchange.logged.find((one) => one.includes(failed.sid) && one.includes('cannot ask Restcomm for the status'));
    expect(line).toContain(failed.restcommMessageSid);
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(1);
  });

  test('ends early while the platform does not respond, and then begins with the other messages', async () => {
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    const sids = await write(7);
    for (const sid of sids) await exchange.ends(customer.provider, sid, 'SENDING');
    exchange.restcomm.faults.next('message', { status: 500 }, 5);
    const began = new Date();
    await expect(reconcileStatuses(exchange.gateway, { quietMs: 0 })).rejects.toThrow();
    expect(await exchange.gateway.prisma.awaitedReport.count({ where: { messageSid: { in: sids }, asked: { gte: began } } })).toBe(5);
    exchange.restcomm.faults.next('message', { status: 500 }, 4);
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(3);
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(4);
  });
});

describe('a message without reports', () => {
  const days = (n: number) => new Date(Date.now() - n * 24 * 3_600_000);
  const NO_REPORT = {
    channelStatus: 'UNDELIVERED',
    channelErrorCode: 'NO_REPORT',
    channelErrorMessage: expect.stringContaining('three days'),
  };

  /** A message that Restcomm has had for so long. */
  async function unreported(age: number): Promise<{ sid: string; smsSid: string }> {
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    const [sid = ''] = await write(1);
    const { restcommMessageSid: smsSid } = await exchange.ends(customer.provider, sid, 'SENDING');
    await exchange.restcomm.until(() => exchange.restcomm.messages.some((sms) => sms.sid === smsSid && sms.status === 'delivered'));
    const sms = exchange.restcomm.messages.find((one) => one.sid === smsSid) ?? expect.unreachable();
    sms.status = 'sending';
    await exchange.gateway.prisma.message.update({ where: { sid }, data: { dateUpdated: days(age) } });
    await exchange.gateway.prisma.awaitedReport.updateMany({ where: { messageSid: sid }, data: { asked: days(age) } });
    return { sid, smsSid };
  }

  test('for three days ends UNDELIVERED with NO_REPORT, by one event', async () => {
    const young = await unreported(2.9);
    const old = await unreported(3.1);
    expect(await reconcileStatuses(exchange.gateway)).toBe(1);
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(0);
    expect(await exchange.message(customer.provider, young.sid)).toMatchObject({ channelStatus: 'SENDING', channelErrorCode: null });
    expect(await exchange.message(customer.provider, old.sid)).toMatchObject(NO_REPORT);
    expect(await statusesOf(old.sid)).toEqual(['QUEUED', 'SENDING', 'UNDELIVERED']);
    await expectGapless();
    await exchange.gateway.prisma.message.update({ where: { sid: young.sid }, data: { dateUpdated: days(3.1) } });
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(1);
  });

  test('ends with the status that Restcomm returns when it is asked for the last time', async () => {
    const { sid, smsSid } = await unreported(30);
    Object.assign(exchange.restcomm.messages.find((sms) => sms.sid === smsSid) ?? {}, { status: 'failed', errorCode: 30005 });
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'FAILED', channelErrorCode: '30005' });
  });

  test('ends if Restcomm no longer knows it', async () => {
    const { sid, smsSid } = await unreported(3.1);
    exchange.restcomm.messages.splice(
      exchange.restcomm.messages.findIndex((sms) => sms.sid === smsSid),
      1,
    );
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    expect(await exchange.message(customer.provider, sid)).toMatchObject(NO_REPORT);
  });

  test('ends a day later if Restcomm cannot be asked', async () => {
    const { sid } = await unreported(3.9);
    exchange.restcomm.faults.always('message', () => ({ status: 500 }));
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('SENDING');
    await exchange.gateway.prisma.message.update({ where: { sid }, data: { dateUpdated: days(4.1) } });
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    expect(await exchange.message(customer.provider, sid)).toMatchObject(NO_REPORT);
  });

  test('gets a reason that arrives later, without another event', async () => {
    const { sid, smsSid } = await unreported(3.1);
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    exchange.restcomm.faults.clear();
    await exchange.restcomm.report(smsSid, 'undelivered', 30003);
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'UNDELIVERED', channelErrorCode: '30003' });
    expect(await statusesOf(sid)).toEqual(['QUEUED', 'SENDING', 'UNDELIVERED']);
  });
});

describe('an SMS whose webhook failed', () => {
  const lost = async (body: string) => {
    exchange.restcomm.faults.next('smsWebhook', { lost: true });
    const { sid } = await exchange.restcomm.receiveSms({ from: PHONE, to: customer.number, body });
    return sid;
  };
  const days = (n: number) => new Date(Date.now() - n * 24 * 3_600_000);
  /** Says how far the last run came. */
  const cameTo = (doneUntil: Date) =>
    exchange.gateway.prisma.scheduledJob.update({ where: { name: RECOVER_INBOUND }, data: { doneUntil } });
  const count = (smsSid: string) => exchange.gateway.prisma.message.count({ where: { restcommMessageSid: smsSid } });

  test('is recovered from the platform’s list, once, and delivered', async () => {
    const smsSid = await lost('Did you get this?');
    await Promise.all([recoverInbound(exchange.gateway, { quietMs: 0 }), recoverInbound(exchange.gateway, { quietMs: 0 })]);
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect(await count(smsSid)).toBe(1);
    await exchange.microsoft.until(() => exchange.microsoft.activities.some(({ text }) => String(text).includes('Did you get this?')));
    expect(exchange.logged.join('')).not.toContain('Did you get this?');
  });

  test('to a number that moved to another organization since stays unknown to that one, whether or not it was stored before', async () => {
    const [former, present] = [await exchange.customer(), await exchange.customer()];
    const { prisma } = exchange.gateway;
    const { sid: seen } = await exchange.restcomm.receiveSms({ from: PHONE, to: former.number, body: 'seen by the former owner' });
    exchange.restcomm.faults.next('smsWebhook', { lost: true });
    const { sid: missed } = await exchange.restcomm.receiveSms({ from: PHONE, to: former.number, body: 'missed by the former owner' });
    for (const sms of exchange.restcomm.messages) if ([seen, missed].includes(sms.sid)) sms.dateCreated = new Date(Date.now() - 60_000);
    await prisma.mapping.update({ where: { sid: present.mappingSid }, data: { dateCreated: days(1) } });
    await done(former.provider, 'deleteMapping', { sid: former.mappingSid });
    await done(present.provider, 'updateMapping', { sid: present.mappingSid, externalAddress: former.number });
    exchange.restcomm.faults.next('smsWebhook', { lost: true });
    const { sid: own } = await exchange.restcomm.receiveSms({ from: PHONE, to: former.number, body: 'for the present owner' });
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    const received = await exchange.messages(present.provider, { direction: 'OUTBOUND' });
    expect(received.map(({ restcommMessageSid }) => restcommMessageSid)).toEqual([own]);
  });

  test('is left to its webhook at first, which alone has the media', async () => {
    const smsSid = await lost('young');
    await recoverInbound(exchange.gateway);
    expect(await count(smsSid)).toBe(0);
  });

  test('is recovered after an outage of days, since the end of the last run is stored', async () => {
    const smsSid = await lost('old');
    const sms = exchange.restcomm.messages.find(({ sid }) => sid === smsSid);
    if (sms) sms.dateCreated = days(2);
    await exchange.gateway.prisma.mapping.update({ where: { sid: customer.mappingSid }, data: { dateCreated: days(6) } });
    await exchange.gateway.prisma.scheduledJob.deleteMany({ where: { name: RECOVER_INBOUND } });
    await recoverInbound(exchange.gateway);
    expect(await count(smsSid)).toBe(1);
    const older = await lost('older, and seen by no run');
    Object.assign(exchange.restcomm.messages.find(({ sid }) => sid === older) ?? {}, { dateCreated: days(5) });
    await recoverInbound(exchange.gateway);
    expect(await count(older)).toBe(0);
    await cameTo(days(4.99));
    await recoverInbound(exchange.gateway);
    expect(await count(older)).toBe(1);
  });

  test('is read no further back than the previous run, however many there are', async () => {
    const quiet = days(1);
    for (let index = 0; index < 1_000; index += 1) await exchange.restcomm.receiveSms({ from: PHONE, to: '+000', body: '' });
    for (const sms of exchange.restcomm.messages.slice(-1_000)) sms.dateCreated = quiet;
    const pages = () => exchange.restcomm.requests.filter(({ query }) => query.Status === 'received').length;
    await cameTo(days(3));
    let before = pages();
    await recoverInbound(exchange.gateway);
    expect(pages() - before).toBeGreaterThan(10);
    before = pages();
    await recoverInbound(exchange.gateway);
    expect(pages() - before).toBe(1);
  });

  test('is recovered from a Restcomm that neither sorts nor filters', async () => {
    exchange.restcomm.version.sorts = false;
    const smsSid = await lost('from an old one');
    await cameTo(days(0.5));
    await recoverInbound(exchange.gateway, { quietMs: 0 }).finally(() => {
      exchange.restcomm.version.sorts = true;
    });
    expect(await count(smsSid)).toBe(1);
  });

  test('with a NUL is recovered, and so is another customer’s after it', async () => {
    const other = await exchange.customer();
    const withNul = await lost('write to anna\0contoso.example');
    exchange.restcomm.faults.next('smsWebhook', { lost: true });
    const { sid: others } = await exchange.restcomm.receiveSms({ from: PHONE, to: other.number, body: 'of another customer' });
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect([await count(withNul), await count(others)]).toEqual([1, 1]);
    const shown = await exchange.messages(customer.provider, { direction: 'OUTBOUND' });
    expect(shown.find(({ restcommMessageSid }) => restcommMessageSid === withNul)?.body).toBe('write to anna\uFFFDcontoso.example');
  });

  test.each(['+49301\0', 'a\ud800', ''])('is recovered beside one to %j, which is no number', async (to) => {
    const before = await lost('before');
    const { sid } = await exchange.restcomm.receiveSms({ from: PHONE, to: customer.number, body: 'to nobody' });
    Object.assign(exchange.restcomm.messages.find((sms) => sms.sid === sid) ?? {}, { to, from: to });
    const after = await lost('after');
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect([await count(before), await count(after)]).toEqual([1, 1]);
  });

  test('that the database refuses is logged, and does not keep others from being recovered', async () => {
    const { prisma } = exchange.gateway;
    await prisma.$executeRaw`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`;
    await prisma.$executeRaw`CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.body = 'poison') EXECUTE FUNCTION refuse()`;
    const before = await lost('before');
    const poison = await lost('poison');
    const after = await lost('after');
    await recoverInbound(exchange.gateway, { quietMs: 0 }).finally(() => prisma.$executeRaw`DROP FUNCTION refuse CASCADE`);
    expect([await count(before), await count(poison), await count(after)]).toEqual([1, 0, 1]);
    expect(exchange.logged.some((line) => line.includes(poison) && line.includes('cannot store an SMS'))).toBe(true);
    // Runs to come look at the last hour again.
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect(await count(poison)).toBe(1);
  });

  test('is stored if Restcomm’s list breaks off in the middle, and the rest by the next run', async () => {
    const newest = await lost('newest');
    const [first, second] = [await lost('first'), await lost('second')];
    for (let index = 0; index < 150; index += 1) await exchange.restcomm.receiveSms({ from: PHONE, to: '+000', body: '' });
    const at = (sid: string, ms: number) =>
      Object.assign(exchange.restcomm.messages.find((sms) => sms.sid === sid) ?? {}, { dateCreated: new Date(Date.now() - ms) });
    at(newest, 0);
    for (const sms of exchange.restcomm.messages.slice(-150)) sms.dateCreated = new Date(Date.now() - 2_000);
    for (const sid of [first, second]) at(sid, 30_000 - Number(sid === second) * 10_000);
    await exchange.gateway.prisma.mapping.update({ where: { sid: customer.mappingSid }, data: { dateCreated: days(1) } });
    let page = 0;
    exchange.restcomm.faults.always('messages', () => (page++ === 1 ? { status: 500 } : undefined));
    await expect(recoverInbound(exchange.gateway, { quietMs: 0 })).rejects.toThrow();
    expect([await count(newest), await count(first)]).toEqual([1, 0]);
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect([await count(first), await count(second)]).toEqual([1, 1]);
    const all = await exchange.messages(customer.provider, { direction: 'OUTBOUND' });
    const order = all.map(({ restcommMessageSid }) => restcommMessageSid).filter((sid) => [first, second].includes(sid));
    expect(order).toEqual([first, second]);
  });

  test('that had only media says that they are lost', async () => {
    const smsSid = await lost(' ');
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    await exchange.microsoft.until(() => exchange.microsoft.activities.some(({ text }) => String(text).includes('could not be recovered')));
    expect(exchange.logged.some((line) => line.includes(smsSid) && line.includes('media that it may have had are lost'))).toBe(true);
  });

  test('that is older than its number’s mapping does not go to the new user', async () => {
    const smsSid = await lost('for somebody else');
    const sms = exchange.restcomm.messages.find(({ sid }) => sid === smsSid);
    if (sms) sms.dateCreated = new Date(Date.now() - 10 * 60_000);
    const person = await exchange.person(customer);
    if (sms) Object.assign(sms, { to: person.number });
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect(await count(smsSid)).toBe(0);
    await done(customer.provider, 'deleteMapping', { sid: person.mappingSid });
  });
});
