import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ChannelStatus } from '../../prisma/client/enums.ts';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { statusRank } from '../../src/domain/messages/message-status.ts';
import { reconcileStatuses, recoverInbound } from '../../src/exchange/reconciler.ts';
import { applyReport } from '../../src/exchange/reports.ts';
import { done } from '../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => exchange.restcomm.faults.clear());

const PHONE = '+4917012345671';

/** Writes texts as the Teams user. @returns the messages' sids */
async function write(count: number): Promise<string[]> {
  const bodies = Array.from({ length: count }, () => randomBytes(6).toString('hex'));
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
  test('comes to the same end however reports are shuffled, repeated and overlapping, and each advance is one event', async () => {
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
        const message = { sid, organizationSid: customer.provider.organizationSid };
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

  test('holds over HTTP, with callbacks doubled and out of order', async () => {
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

  test('takes a callback that comes before the answer to the sending', async () => {
    exchange.restcomm.faults.next('send', { early: true });
    const [sid = ''] = await write(1);
    await exchange.ends(customer.provider, sid, 'DELIVERED');
    await until(async () => (await exchange.gateway.prisma.outbox.count({ where: { messageSid: sid } })) === 0);
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'DELIVERED', possiblyDuplicated: false });
    expect(await statusesOf(sid)).toEqual(['QUEUED', 'SENT', 'DELIVERED']);
  });
});

describe('the reconciler', () => {
  test('learns the end of messages whose callbacks were lost', async () => {
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

  test('is not kept from the others by a message that the platform can not be asked for, and shows no change where there is none', async () => {
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    const sids = await write(3);
    const before = await Promise.all(sids.map((sid) => exchange.ends(customer.provider, sid, 'SENDING')));
    exchange.restcomm.faults.next('message', { status: 500 });
    await expect(reconcileStatuses(exchange.gateway, { quietMs: 0 })).rejects.toThrow();
    const { prisma } = exchange.gateway;
    const asked = await prisma.message.findFirstOrThrow({ where: { sid: { in: sids }, statusAsked: { not: null } } });
    expect(asked.dateUpdated).toEqual(
      (await prisma.messageEvent.findFirstOrThrow({ where: { messageSid: asked.sid, status: 'SENDING' } })).occurredAt,
    );
    exchange.restcomm.faults.always('message', () => undefined);
    expect(await reconcileStatuses(exchange.gateway, { quietMs: 0 })).toBe(3);
    expect(before).toHaveLength(3);
  });
});

describe('an SMS whose webhook did not get through', () => {
  const lost = async (body: string) => {
    exchange.restcomm.faults.next('smsWebhook', { lost: true });
    const { sid } = await exchange.restcomm.receiveSms({ from: PHONE, to: customer.number, body });
    return sid;
  };
  const count = (smsSid: string) => exchange.gateway.prisma.message.count({ where: { restcommMessageSid: smsSid } });

  test('is recovered from the platform’s list, once, and delivered', async () => {
    const smsSid = await lost('Did you get this?');
    await Promise.all([recoverInbound(exchange.gateway, { quietMs: 0 }), recoverInbound(exchange.gateway, { quietMs: 0 })]);
    await recoverInbound(exchange.gateway, { quietMs: 0 });
    expect(await count(smsSid)).toBe(1);
    await exchange.microsoft.until(() => exchange.microsoft.activities.some(({ text }) => String(text).includes('Did you get this?')));
    expect(exchange.logged.join('')).not.toContain('Did you get this?');
  });

  test('is left to its webhook at first, which alone has the media', async () => {
    const smsSid = await lost('young');
    await recoverInbound(exchange.gateway);
    expect(await count(smsSid)).toBe(0);
  });

  test('is recovered after an outage of days, when it is looked back so far', async () => {
    const smsSid = await lost('old');
    const sms = exchange.restcomm.messages.find(({ sid }) => sid === smsSid);
    const days = (n: number) => new Date(Date.now() - n * 24 * 3_600_000);
    if (sms) sms.dateCreated = days(2);
    await exchange.gateway.prisma.mapping.update({ where: { sid: customer.mappingSid }, data: { dateCreated: days(3) } });
    await recoverInbound(exchange.gateway);
    expect(await count(smsSid)).toBe(0);
    await recoverInbound(exchange.gateway, { lookBackMs: 3 * 24 * 3_600_000 });
    expect(await count(smsSid)).toBe(1);
  });

  test('and that is older than the number’s mapping is not the new user’s', async () => {
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
