import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done } from '../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange({ settlesMs: SETTLES_MS });
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => exchange.calm());

/** How long a record may be late. */
const SETTLES_MS = 1_000;
const PHONE = '+4917012345671';
const text = () => randomBytes(4).toString('hex');

describe('a text whose send request to the carrier got no response', () => {
  /** Writes it as the Teams user. @returns the message's sid */
  async function write(body: string): Promise<string> {
    expect(await exchange.say(customer, customer.user, `${PHONE} ${body}`)).toBe(200);
    const sent = (await exchange.messages(customer.provider, { direction: 'INBOUND' })).filter((message) => message.body === body);
    return sent.at(-1)?.sid;
  }
  const atCarrier = (body: string) => exchange.restcomm.messages.filter((sms) => sms.body === body);

  // A report would tell what became of it: none comes.
  beforeEach(() => {
    exchange.restcomm.dialect.callbacks = false;
  });
  afterEach(() => {
    exchange.restcomm.dialect.callbacks = true;
  });

  const handedOver = (sid: string, { provider }: Customer = customer) =>
    until(async () => {
      const message = await exchange.message(provider, sid);
      return message.channelStatus !== 'QUEUED' && message;
    });

  /** Taken once, known by its sid, and not said to be doubled. */
  async function isSentOnce(sid: string, body: string, of?: Customer) {
    const message = await handedOver(sid, of);
    expect(atCarrier(body)).toHaveLength(1);
    expect(message).toMatchObject({ restcommMessageSid: atCarrier(body)[0]?.sid, possiblyDuplicated: false });
    expect(message.channelStatus).not.toBe('FAILED');
  }

  test('but was accepted is found and not sent again', async () => {
    const body = text();
    exchange.restcomm.faults.next('send', { reset: 'after' });
    await isSentOnce(await write(body), body);
  });

  test('and was not accepted is sent again when its record can no longer appear, and marked as possibly duplicated', async () => {
    const body = text();
    exchange.restcomm.faults.next('send', { reset: 'before' });
    const started = performance.now();
    const message = await handedOver(await write(body));
    expect(performance.now() - started).toBeGreaterThan(SETTLES_MS);
    expect(atCarrier(body)).toHaveLength(1);
    expect(message).toMatchObject({ restcommMessageSid: atCarrier(body)[0]?.sid, possiblyDuplicated: true });
  });

  // Restcomm makes the record after it has waited up to 10 s, whether or not the client is still there.
  test.each([
    ['the connection is gone', { reset: 'after' as const, later: SETTLES_MS / 2 }],
    ['a proxy has answered 504', { status: 504, taken: true, later: SETTLES_MS / 2 }],
  ])('but has a record after %s is sent once', async (_, fault) => {
    const body = text();
    exchange.restcomm.faults.next('send', fault);
    await isSentOnce(await write(body), body);
  });

  test('with a record that appears too late is marked as possibly duplicated', async () => {
    const body = text();
    exchange.restcomm.faults.next('send', { reset: 'after', later: SETTLES_MS * 2 });
    const message = await handedOver(await write(body));
    await exchange.restcomm.until(() => atCarrier(body).length === 2);
    expect(message).toMatchObject({ possiblyDuplicated: true });
  });

  test('either time waits for the record of the second attempt, too', async () => {
    const body = text();
    exchange.restcomm.faults.next('send', { reset: 'before' });
    exchange.restcomm.faults.next('send', { reset: 'after', later: SETTLES_MS / 2 });
    const message = await handedOver(await write(body));
    expect(atCarrier(body)).toHaveLength(1);
    expect(message).toMatchObject({ restcommMessageSid: atCarrier(body)[0]?.sid, possiblyDuplicated: true });
  });

  test('delays later texts to the same phone, and no others', async () => {
    const [first, second, other] = [text(), text(), text()];
    exchange.restcomm.faults.next('send', { reset: 'after', later: SETTLES_MS / 2 });
    await write(first);
    await write(second);
    expect(await exchange.say(customer, customer.user, `+4917012345672 ${other}`)).toBe(200);
    await exchange.restcomm.until(() => [first, second, other].every((body) => atCarrier(body).length > 0));
    const place = (body: string) => exchange.restcomm.messages.findIndex((sms) => sms.body === body);
    expect([place(first) < place(second), place(other) < place(second)]).toEqual([true, true]);
  });

  test.each([408, 500, 502, 503, 504])('other than a %i, and was accepted, is found and not sent again', async (status) => {
    const body = text();
    exchange.restcomm.faults.next('send', { status, taken: true });
    await isSentOnce(await write(body), body);
  });

  test('is not sent again while the carrier cannot be asked', async () => {
    const body = text();
    exchange.restcomm.faults.next('send', { reset: 'after' });
    exchange.restcomm.faults.next('messages', { status: 500 });
    exchange.restcomm.faults.next('messages', { reset: 'before' });
    await isSentOnce(await write(body), body);
  });

  test('is not confused with an earlier one with the same text', async () => {
    const body = text();
    await isSentOnce(await write(body), body);
    exchange.restcomm.faults.next('send', { reset: 'before' });
    const second = await handedOver(await write(body));
    expect(atCarrier(body)).toHaveLength(2);
    expect(second.restcommMessageSid).toBe(atCarrier(body)[1]?.sid);
  });

  test('is not confused with the attempt that failed before it was retried', async () => {
    const body = text();
    exchange.restcomm.dialect.callbacks = true;
    // To such numbers, Restcomm's SMS fail with 30003.
    expect(await exchange.say(customer, customer.user, `+4917012345670 ${body}`)).toBe(200);
    const [{ sid }] = (await exchange.messages(customer.provider, { direction: 'INBOUND' })).filter((message) => message.body === body) as [
      { sid: string },
    ];
    await exchange.ends(customer.provider, sid, 'FAILED');
    exchange.restcomm.faults.next('send', { reset: 'before' });
    await customer.provider.graph('mutation ($input: RetryMessageInput!) { retryMessage(input: $input) { __typename } }', {
      input: { sid },
    });
    await exchange.restcomm.until(() => atCarrier(body).length === 2);
    expect(await exchange.ends(customer.provider, sid, 'FAILED')).toMatchObject({
      restcommMessageSid: atCarrier(body)[1]?.sid,
      possiblyDuplicated: true,
    });
  });

  test('is found even if its mapping was deleted meanwhile, and does not end as FAILED', async () => {
    const own = await exchange.customer();
    const body = text();
    exchange.restcomm.faults.next('send', { reset: 'after' });
    exchange.restcomm.faults.always('messages', () => ({ status: 500 }));
    expect(await exchange.say(own, own.user, `${PHONE} ${body}`)).toBe(200);
    await exchange.restcomm.until(() => atCarrier(body).length === 1);
    await done(own.provider, 'deleteMapping', { sid: own.mappingSid });
    exchange.restcomm.faults.clear();
    const [{ sid }] = (await exchange.messages(own.provider, { direction: 'INBOUND' })) as [{ sid: string }];
    await isSentOnce(sid, body, own);
  });

  test('but has reports is not sent again', async () => {
    const body = text();
    exchange.restcomm.dialect.callbacks = true;
    exchange.restcomm.faults.next('send', { reset: 'after', early: true });
    await isSentOnce(await write(body), body);
  });

  test('is found if the gateway itself failed after the carrier accepted it', async () => {
    const body = text();
    const { prisma } = exchange.gateway;
    let release = () => {};
    exchange.restcomm.faults.next('send', {
      delay: new Promise<void>((resolve) => {
        release = resolve;
      }),
    });
    const sid = await write(body);
    await exchange.restcomm.until(() => atCarrier(body).length > 0);
    await prisma.$executeRaw`ALTER TABLE message_event RENAME TO message_event_away`;
    const failed = exchange.logged.length;
    release();
    await expect.poll(() => exchange.logged.slice(failed).some((line) => line.includes('unexpected error while delivering'))).toBe(true);
    await prisma.$executeRaw`ALTER TABLE message_event_away RENAME TO message_event`;
    await isSentOnce(sid, body);
    expect(exchange.logged.join('')).not.toContain(body);
  });
});

describe('a text whose request to Teams got no response', () => {
  const shown = (body: string) => exchange.microsoft.activities.filter(({ text: one }) => String(one).includes(body));

  test.each(['before', 'after'] as const)(
    'because the connection broke %s it was accepted is sent again and marked as possibly duplicated',
    async (reset) => {
      const body = text();
      exchange.microsoft.fault('activities', { reset });
      const message = await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, body), 'DELIVERED');
      expect(message.possiblyDuplicated).toBe(true);
      expect(shown(body)).toHaveLength(reset === 'after' ? 2 : 1);
    },
  );

  test.each([
    ['', false],
    [' while the gateway stopped', true],
  ])(
    'is not sent again because the database broke off, in favor of another transaction, what was to be recorded%s',
    async (_, isStopping) => {
      const { prisma } = exchange.gateway;
      const body = text();
      const held = exchange.microsoft.hold('activities');
      await prisma.$executeRaw`CREATE SEQUENCE deadlocks`;
      await prisma.$executeRaw`
      CREATE FUNCTION deadlock_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('deadlocks') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
        RETURN OLD;
      END $$`;
      await prisma.$executeRaw`CREATE TRIGGER deadlock_once BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION deadlock_once()`;
      try {
        const sid = await exchange.text(customer, customer, PHONE, body);
        await held.arrived;
        const stopped = isStopping && exchange.pause();
        held.release();
        await stopped;
        expect(await exchange.ends(customer.provider, sid, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
        expect(shown(body)).toHaveLength(1);
      } finally {
        if (isStopping) exchange.resume();
        await prisma.$executeRaw`DROP FUNCTION deadlock_once CASCADE`;
        await prisma.$executeRaw`DROP SEQUENCE deadlocks`;
      }
    },
  );

  test.each([500, 502, 503, 504, 408])(
    'other than a %i is sent again and marked as possibly duplicated, and never FAILED for it',
    async (status) => {
      const body = text();
      exchange.microsoft.fault('activities', { answerAfter: { status } });
      const message = await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, body), 'DELIVERED');
      expect(message).toMatchObject({ possiblyDuplicated: true, channelErrorCode: null });
      expect(message.events.map((event: { status: string }) => event.status)).toEqual(['QUEUED', 'DELIVERED']);
      expect(shown(body)).toHaveLength(2);
    },
  );

  test.each(['BadArgument', 'BotNotInConversationRoster', 'InvalidBotApiHost', 'BotDisabledByAdmin'])(
    'other than a 502 with %s is sent again and marked as possibly duplicated, too',
    async (code) => {
      const body = text();
      const message = `${code}. Please call ${exchange.microsoft.url}/gcc.`;
      exchange.microsoft.fault('activities', { answerAfter: { status: 502, body: { error: { code, message } } } });
      expect(await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, body), 'DELIVERED')).toMatchObject({
        possiblyDuplicated: true,
        stuck: false,
      });
      expect(shown(body)).toHaveLength(2);
    },
  );

  test('other than its status counts as posted and is not sent again', async () => {
    const body = text();
    exchange.microsoft.fault('activities', { reset: 'within' });
    const message = await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, body), 'DELIVERED');
    expect(message.possiblyDuplicated).toBe(false);
    expect(shown(body)).toHaveLength(1);
  });

  test('stays possibly duplicated if the next attempt is refused and the one after is accepted', async () => {
    const body = text();
    exchange.microsoft.fault('activities', { reset: 'after' });
    exchange.microsoft.fault('activities', { answer: { status: 503 } });
    const message = await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, body), 'DELIVERED');
    expect(message.possiblyDuplicated).toBe(true);
    expect(shown(body)).toHaveLength(2);
  });
});
