import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { done } from '../../parity/faces.ts';
import { buttonsOf, createTestExchange, linesOf, type TestExchange, until } from '../../support/exchange.ts';
import { chatOf, PARTNER } from '../../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
const { inTouch, nextShownTo, quiet, shownTo } = chatOf(() => exchange);

describe('the writer of an SMS that fails', () => {
  test('gets a notice that says in plain words which SMS failed, and why', async () => {
    const own = await exchange.customer();
    await exchange.say(own, own.user, '+4917012345670 Are you there?');
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(
      'Your SMS to +4917012345670 was not delivered: “Are you there?”\nThe phone is off, out of reach, or its number is not in use.',
    );
    expect(buttonsOf(told).map(({ title }) => title)).toEqual(['Send again']);
    await quiet();
    expect(shownTo(own)).toHaveLength(1);
  });

  test.each([
    ['ErrorCode=21610', 'The recipient has unsubscribed from your messages (STOP).', []],
    ['ErrorCode=UNKNOWN_DESTINATION_HANDSET', 'The number does not exist, or is not in use.', []],
    ['ErrorCode=30008&ChannelStatusMessage=Phone+is+off', 'Phone is off.', ['Send again']],
    ['ErrorCode=0', 'The mobile network does not say why.', ['Send again']],
  ])('gets the reason after %s, with a button if sending again can help', async (form, why, buttons) => {
    const own = await exchange.customer();
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    await exchange.say(own, own.user, `${PARTNER} Are you there?`);
    const [message] = await exchange.messages(own.provider);
    const { restcommMessageSid } = await exchange.ends(own.provider, message?.sid, 'SENDING');
    const url = exchange.restcomm.numbers.find(({ phoneNumber }) => phoneNumber === own.number)?.smsUrl?.replace(/sms$/, 'status') ?? '';
    const body = new URLSearchParams(`MessageSid=${restcommMessageSid}&MessageStatus=failed&${form}`);
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
    exchange.restcomm.faults.clear();
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(`Your SMS to ${PARTNER} was not delivered: “Are you there?”\n${why}`);
    expect(buttonsOf(told).map(({ title }) => title)).toEqual(buttons);
  });

  test('can send again what is stuck, by the button, once', async () => {
    const own = await inTouch();
    await quiet();
    const [message] = await exchange.messages(own.provider, { direction: 'INBOUND' });
    await exchange.ends(own.provider, message?.sid, 'DELIVERED');
    await exchange.pause();
    await exchange.say(own, own.user, `${PARTNER} Waits`);
    const { prisma } = exchange.gateway;
    const { sid } = await prisma.message.findFirstOrThrow({ where: { mappingSid: own.mappingSid, body: 'Waits' } });
    await prisma.outbox.deleteMany({ where: { messageSid: sid } });
    await prisma.message.update({ where: { sid }, data: { stuck: true, channelErrorCode: 'HTTP_503', channelErrorMessage: 'Later' } });
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(`Your SMS to ${PARTNER} has not been sent yet: “Waits”\nLater.`);
    exchange.resume();
    const [again] = buttonsOf(told) as [never];
    const other = await exchange.person(own);
    expect(linesOf((await exchange.press(own, other.user, again)).body.value)[0]).toContain('sent meanwhile');
    const answers = await Promise.all([1, 2].map(() => exchange.press(own, own.user, again)));
    expect(answers.map(({ body }) => linesOf(body.value)[0]).sort()).toEqual(
      ['It was sent meanwhile, or sending it again does not help.', 'Sending it again.'].sort(),
    );
    await exchange.ends(own.provider, sid, 'DELIVERED');
    expect(await prisma.auditLog.findMany({ where: { targetSid: sid, action: 'message.retry' } })).toMatchObject([
      { accountSid: own.provider.accountSid, adminSid: null, requestId: expect.stringMatching(/^teams:/) },
    ]);
  });

  test('gets a notice of what an SMS waits for, and that it will be sent by itself', async () => {
    const own = await exchange.customer();
    await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'INACTIVE' });
    await exchange.say(own, own.user, `${PARTNER} Waits`);
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(
      `Your SMS to ${PARTNER} has not been sent yet: “Waits”\nYour enterprise is INACTIVE. The SMS is sent when it is ACTIVE again.`,
    );
    expect(buttonsOf(told)).toEqual([]);
    // One that joins what waits, too.
    await exchange.say(own, own.user, `${PARTNER} Waits, too`);
    expect((await nextShownTo(own, 2)).text).toContain('“Waits, too”');
    await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'ACTIVE' });
    await until(async () => (await exchange.messages(own.provider)).every(({ channelStatus }) => channelStatus === 'DELIVERED'));
    await quiet();
    expect(shownTo(own)).toHaveLength(2);
  });

  test('hears nothing of what a frontend sent', async () => {
    const own = await inTouch();
    const input = { mappingSid: own.mappingSid, to: '+4917012345670', body: 'From elsewhere' };
    await own.provider.graph('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }', { input });
    const { sid } = await exchange.gateway.prisma.message.findFirstOrThrow({
      where: { body: 'From elsewhere', mappingSid: own.mappingSid },
    });
    await exchange.ends(own.provider, sid, 'FAILED');
    await quiet();
    expect(shownTo(own)).toEqual([]);
  });
});

describe('a notice', () => {
  test('is sent after the activity is acknowledged, again after what passes, in order', async () => {
    const own = await exchange.customer();
    const stranger = { user: exchange.microsoft.addUser({ tenantId: own.bot.tenantId }) };
    exchange.microsoft.fault('activities', { times: 2, answer: { status: 503, body: {} } });
    expect(await exchange.say(own, stranger.user, 'one')).toBe(200);
    expect(await exchange.say(own, stranger.user, '', { type: 'messageUpdate' })).toBe(200);
    expect(await exchange.say(own, stranger.user, 'two')).toBe(200);
    await nextShownTo(stranger, 2);
    await quiet();
    expect(shownTo(stranger).map(({ text }) => String(text).slice(0, 26))).toEqual([
      'You have no SMS number yet',
      'You have no SMS number yet',
    ]);
  });

  test('that comes late says how its message is by then, and no other one says so again', async () => {
    const own = await exchange.customer();
    exchange.restcomm.faults.always('send', () => ({ status: 403 }));
    exchange.microsoft.fault('activities', { answer: { status: 503, body: {} } });
    const held = exchange.microsoft.hold('activities');
    await exchange.say(own, own.user, `${PARTNER} Late`);
    await held.arrived;
    await done(own.provider, 'deleteMapping', { sid: own.mappingSid });
    const [message] = await exchange.messages(own.provider);
    await exchange.ends(own.provider, message?.sid, 'FAILED');
    held.release();
    exchange.restcomm.faults.clear();
    await nextShownTo(own, 1);
    await exchange.calm();
    expect(shownTo(own).map(({ text }) => text)).toEqual([
      `Your SMS to ${PARTNER} was not delivered: “Late”\nYour number is no longer assigned to you.`,
    ]);
  });

  test('finds a chat that Teams no longer knows opened again', async () => {
    const own = await exchange.customer();
    await exchange.say(own, own.user, `${PARTNER} Hello`);
    await until(async () => (await exchange.messages(own.provider)).every(({ channelStatus }) => channelStatus === 'DELIVERED'));
    exchange.microsoft.conversations.clear();
    await exchange.say(own, own.user, '+4917012345670 Are you there?');
    exchange.microsoft.conversations.clear();
    expect((await nextShownTo(own, 1)).text).toContain('Your SMS to +4917012345670 was not delivered');
    await quiet();
    expect(shownTo(own)).toHaveLength(1);
  });

  test('that is refused is dropped, and holds nothing up', async () => {
    const own = await inTouch();
    own.user.blocked = true;
    await exchange.say(own, own.user, '', { type: 'messageUpdate' });
    await until(async () => exchange.logged.some((line) => line.includes('a notice to a Teams user was dropped')));
    own.user.blocked = false;
    await exchange.say(own, own.user, '', { type: 'messageUpdate' });
    await nextShownTo(own, 1);
  });
});
