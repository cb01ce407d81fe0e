import { afterAll, beforeAll, expect, test } from 'vitest';
import { done } from '../parity/faces.ts';
import { buttonsOf, type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());

const PHONE = '+4917012345671';
const OTHER_PHONE = '+4917012345672';

/** The texts that were posted to a customer's user, in their order. */
const shownTo = ({ user }: Pick<Customer, 'user'>) =>
  exchange.microsoft.activities.filter(({ objectId }) => objectId === user.objectId).map(({ text }) => text);
const nextShownTo = (person: Pick<Customer, 'user'>, count: number) =>
  exchange.microsoft.until(() => shownTo(person).length >= count && shownTo(person)[count - 1]);

/** What was sent from a number. */
const sentFrom = (number: string) =>
  exchange.restcomm.messages.filter(({ from, direction }) => from === number && direction === 'outbound-api');
async function nextSentFrom(number: string, count: number) {
  await exchange.restcomm.until(() => sentFrom(number).length >= count);
  return sentFrom(number)[count - 1];
}

test('a text from a phone reaches the Teams user of its number, and is DELIVERED', async () => {
  const customer = await exchange.customer();
  const sid = await exchange.text(customer, customer, PHONE, 'Is the order ready?');
  expect(await exchange.ends(customer.provider, sid, 'DELIVERED')).toMatchObject({
    direction: 'OUTBOUND',
    route: 'SMS_TO_TEAMS',
    type: 'SMS',
    from: PHONE,
    to: customer.user.userPrincipalName,
    body: 'Is the order ready?',
    mappingSid: customer.mappingSid,
    possiblyDuplicated: false,
    events: [
      { status: 'QUEUED', previousStatus: null },
      { status: 'DELIVERED', previousStatus: 'QUEUED' },
    ],
  });
  expect(shownTo(customer)).toEqual([`From ${PHONE}:\nIs the order ready?`]);
});

test('the Teams user’s answer goes back to that phone, from their number, and every step of its status is recorded', async () => {
  const customer = await exchange.customer();
  await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, 'Hello'), 'DELIVERED');
  expect(await exchange.say(customer, customer.user, 'Hello yourself')).toBe(200);
  expect(await nextSentFrom(customer.number, 1)).toMatchObject({ to: PHONE, body: 'Hello yourself' });
  const [, answer] = await exchange.messages(customer.provider);
  const { events, ...ended } = await exchange.ends(customer.provider, answer?.sid, 'DELIVERED');
  expect(ended).toMatchObject({
    direction: 'INBOUND',
    route: 'TEAMS_TO_SMS',
    from: customer.user.userPrincipalName,
    to: PHONE,
    restcommMessageSid: expect.stringMatching(/^SM/),
  });
  // A callback may come before the dispatcher has the answer that says SENDING.
  const statuses = events.map(({ status }: { status: string }) => status);
  expect(statuses.filter((status: string) => status !== 'SENDING')).toEqual(['QUEUED', 'SENT', 'DELIVERED']);
});

test('the conversation is opened once and then reused', async () => {
  const customer = await exchange.customer();
  for (const body of ['one', 'two'])
    await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, body), 'DELIVERED');
  const opened = exchange.microsoft.requests.filter(
    ({ route, body }) => route === 'conversations' && body.includes(customer.user.objectId),
  );
  expect(opened).toHaveLength(1);
});

test('+<number> <text> goes to another number, which becomes the last one', async () => {
  const customer = await exchange.customer();
  await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, 'Hello'), 'DELIVERED');
  await exchange.say(customer, customer.user, `${OTHER_PHONE} Good morning`);
  expect(await nextSentFrom(customer.number, 1)).toMatchObject({ to: OTHER_PHONE, body: 'Good morning' });
  await exchange.say(customer, customer.user, 'Are you there?');
  expect(await nextSentFrom(customer.number, 2)).toMatchObject({ to: OTHER_PHONE, body: 'Are you there?' });
});

test('a user with several numbers writes from the last one used, or names one', async () => {
  const customer = await exchange.customer();
  const second = await exchange.person(customer, customer.user);
  await exchange.ends(customer.provider, await exchange.text(customer, second, PHONE, 'To your second number'), 'DELIVERED');
  await exchange.say(customer, customer.user, 'By the second');
  expect(await nextSentFrom(second.number, 1)).toMatchObject({ to: PHONE, body: 'By the second' });
  await exchange.say(customer, customer.user, `from ${customer.number} ${OTHER_PHONE} By the first`);
  expect(await nextSentFrom(customer.number, 1)).toMatchObject({ to: OTHER_PHONE, body: 'By the first' });
  await exchange.say(customer, customer.user, 'Still by the first');
  expect(await nextSentFrom(customer.number, 2)).toMatchObject({ to: OTHER_PHONE, body: 'Still by the first' });
});

test('a message that cannot become an SMS gets a short reply, and is not stored', async () => {
  const customer = await exchange.customer();
  await exchange.say(customer, customer.user, 'Hello?');
  expect(await nextShownTo(customer, 1)).toContain('Write "+<number> <text>"');
  await exchange.say(customer, customer.user, '+1234 too short a number');
  expect(await nextShownTo(customer, 2)).toContain('I cannot tell which number "+1234" is.');
  await exchange.say(customer, customer.user, `from +4999 ${PHONE} not mine`);
  expect(await nextShownTo(customer, 3)).toBe('+4999 is not one of your numbers.');
  await exchange.say(customer, customer.user, `${PHONE} ${'x'.repeat(1000)}`);
  expect(await nextShownTo(customer, 4)).toContain('has 1000 characters; an SMS takes at most 999');
  const other = await exchange.customer();
  await exchange.say(other, other.user, PHONE);
  expect(await nextShownTo(other, 1)).toContain('Write "+<number> <text>"');
  expect(await exchange.messages(customer.provider)).toEqual([]);
  expect(await exchange.messages(other.provider)).toEqual([]);
});

test('a user of the tenant without a number gets a reply that says so', async () => {
  const customer = await exchange.customer();
  const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
  expect(await exchange.say(customer, user, `${PHONE} Hello`)).toBe(200);
  expect(await nextShownTo({ user }, 1)).toContain('You have no SMS number yet');
  expect(await exchange.messages(customer.provider)).toEqual([]);
});

test('media of an MMS are shown as links, but for one that is none', async () => {
  const customer = await exchange.customer();
  const media = ['https://media.example/1.jpg', 'https://media.example/2.jpg'];
  const sid = await exchange.text(customer, customer, PHONE, 'Look', [...media, 'file:///etc/passwd']);
  expect(await exchange.ends(customer.provider, sid, 'DELIVERED')).toMatchObject({ type: 'MMS', mediaUrls: media });
  const lost = '[A picture or file that came with this message could not be recovered.]';
  expect(shownTo(customer)).toEqual([`From ${PHONE}:\nLook\n${lost}\n${media.join('\n')}`]);
});

test('text outside GSM 03.38 is sent as UCS-2, and other text is not', async () => {
  const customer = await exchange.customer();
  await exchange.say(customer, customer.user, `${PHONE} Grüße`);
  expect((await nextSentFrom(customer.number, 1))?.encoding).toBeUndefined();
  await exchange.say(customer, customer.user, `${PHONE} 你好`);
  expect(await nextSentFrom(customer.number, 2)).toMatchObject({ body: '你好', encoding: 'UCS-2' });
  const [gsm, ucs] = await exchange.messages(customer.provider);
  expect([gsm?.encoding, ucs?.encoding]).toEqual(['GSM_7', 'UCS_2']);
});

test('one application serves several enterprises, even of several organizations: each user’s texts use their own mapping', async () => {
  const one = await exchange.customer();
  const sibling = await exchange.customer({ provider: one.provider, bot: one.bot });
  const foreign = await exchange.customer({ bot: one.bot });
  for (const [index, customer] of [one, sibling, foreign].entries()) {
    await exchange.say(customer, customer.user, `${PHONE} number ${index}`);
    expect(await nextSentFrom(customer.number, 1)).toMatchObject({ body: `number ${index}` });
    const [message] = await exchange.messages(customer.provider, { enterpriseSid: customer.enterpriseSid });
    expect(message).toMatchObject({ enterpriseSid: customer.enterpriseSid, mappingSid: customer.mappingSid });
  }
  expect(await exchange.messages(foreign.provider)).toHaveLength(1);
});

test('a user with numbers of two enterprises by one application is asked whom a text is for, or names the number', async () => {
  const one = await exchange.customer();
  const other = await exchange.customer({ bot: one.bot, user: one.user });
  await exchange.ends(one.provider, await exchange.text(one, one, PHONE, 'To one'), 'DELIVERED');
  await exchange.ends(other.provider, await exchange.text(other, other, OTHER_PHONE, 'To the other'), 'DELIVERED');
  await exchange.say(one, one.user, 'An answer');
  expect(await nextShownTo(one, 3)).toContain('Who is this for? “An answer”');
  const asked = exchange.microsoft.activities.filter(({ objectId }) => objectId === one.user.objectId)[2];
  const buttons = buttonsOf(asked as never);
  expect(buttons.slice(0, 2).map(({ title }) => title)).toEqual([`${OTHER_PHONE} (from ${other.number})`, `${PHONE} (from ${one.number})`]);
  // Somebody writes to the other enterprise meanwhile.
  await exchange.ends(other.provider, await exchange.text(other, other, OTHER_PHONE, 'Are you there?'), 'DELIVERED');
  await exchange.press(one, one.user, buttons[1] as never);
  expect(await nextSentFrom(one.number, 1)).toMatchObject({ to: PHONE, body: 'An answer' });
  await exchange.say(one, one.user, 'And more');
  expect(await nextSentFrom(one.number, 2)).toMatchObject({ to: PHONE, body: 'And more' });
  await exchange.say(one, one.user, `from ${other.number} ${OTHER_PHONE} Another`);
  expect(await nextSentFrom(other.number, 1)).toMatchObject({ to: OTHER_PHONE, body: 'Another' });
  expect(await exchange.messages(other.provider, { direction: 'INBOUND' })).toHaveLength(1);
  expect(await exchange.messages(one.provider, { direction: 'INBOUND' })).toHaveLength(2);
});

test('what such a user answers by quoting, or on a card, goes by the enterprise that it was written to', async () => {
  const one = await exchange.customer();
  const other = await exchange.customer({ bot: one.bot, user: one.user });
  await exchange.ends(one.provider, await exchange.text(one, one, PHONE, 'To one'), 'DELIVERED');
  await exchange.ends(other.provider, await exchange.text(other, other, OTHER_PHONE, 'To the other'), 'DELIVERED');
  const [sms] = exchange.microsoft.activities.filter(({ objectId }) => objectId === one.user.objectId);
  const quotedReply = { messageId: sms?.id };
  await exchange.say(one, one.user, `<quoted messageId="${sms?.id}"/> By quoting`, { entities: [{ type: 'quotedReply', quotedReply }] });
  expect(await nextSentFrom(one.number, 1)).toMatchObject({ to: PHONE, body: 'By quoting' });
  await exchange.say(one, one.user, `from ${other.number} ${OTHER_PHONE} Elsewhere`);
  await exchange.press(one, one.user, buttonsOf(sms as never)[0] as never, { reply: 'On the card' });
  expect(await nextSentFrom(one.number, 2)).toMatchObject({ to: PHONE, body: 'On the card' });
});

test('an activity that is delivered again is one message, and does not change the user’s current recipient back', async () => {
  const customer = await exchange.customer();
  const first = exchange.microsoft.activityFrom(customer.bot, customer.user, `${PHONE} Once`);
  const post = async () => exchange.post(first, await exchange.sign(first));
  expect(await Promise.all([post(), post(), post()])).toEqual([200, 200, 200]);
  await exchange.say(customer, customer.user, `${OTHER_PHONE} Then you`);
  expect(await post()).toBe(200);
  await exchange.say(customer, customer.user, 'And again you');
  const sent = await until(async () => sentFrom(customer.number).length >= 3 && sentFrom(customer.number));
  expect(sent.map(({ to, body }) => [to, body])).toEqual(
    expect.arrayContaining([
      [PHONE, 'Once'],
      [OTHER_PHONE, 'Then you'],
      [OTHER_PHONE, 'And again you'],
    ]),
  );
  expect(await exchange.messages(customer.provider)).toHaveLength(3);
});

test('activities other than texts are accepted and create no message', async () => {
  const customer = await exchange.customer();
  for (const type of ['conversationUpdate', 'typing', 'messageReaction', 'installationUpdate']) {
    expect(await exchange.say(customer, customer.user, `${PHONE} Hello`, { type })).toBe(200);
  }
  expect(await exchange.messages(customer.provider)).toEqual([]);
});

test('a mention of the bot and Teams’ escapes are not part of the SMS', async () => {
  const customer = await exchange.customer();
  const mentioned = { id: `28:${customer.bot.applicationId}`, name: 'SMS' };
  await exchange.say(customer, customer.user, `<at>SMS</at> ${PHONE} 1 < 2 & "3"`, {
    entities: [{ type: 'mention', text: '<at>SMS</at>', mentioned }],
    attachments: [
      {
        contentType: 'text/html',
        content: `<p><span itemtype="http://schema.skype.com/Mention">SMS</span>&nbsp;${PHONE} 1 &lt; 2 &amp; "3"</p>`,
      },
    ],
  });
  expect(await nextSentFrom(customer.number, 1)).toMatchObject({ to: PHONE, body: '1 < 2 & "3"' });
});

test('a Teams user whose mapping was moved to another enterprise answers through that one', async () => {
  const one = await exchange.customer();
  const other = await exchange.customer({ provider: one.provider, bot: one.bot });
  await done(one.provider, 'updateMapping', { sid: one.mappingSid, enterpriseSid: other.enterpriseSid });
  await exchange.say(one, one.user, `${PHONE} Moved`);
  expect(await nextSentFrom(one.number, 1)).toMatchObject({ body: 'Moved' });
  expect(await exchange.messages(one.provider)).toMatchObject([{ enterpriseSid: other.enterpriseSid }]);
});
