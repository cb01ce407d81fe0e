import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TeamsActivity } from '../../fakes/microsoft.ts';
import { buttonsOf, type Customer, createTestExchange, linesOf, type TestExchange } from '../../support/exchange.ts';
import { chatOf, OTHER, PARTNER } from '../../support/teams-chat.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());

const { shownTo, nextShownTo, written, shownFrom, inTouch } = chatOf(() => exchange);

describe('a text that begins with a number goes there, however it is written', () => {
  test.each([
    ['+1 650-253-0000 hi', '+16502530000', 'hi'],
    ['+353 86 123 4567 hi', '+353861234567', 'hi'],
    ['+353 87 123 4567 See you at 5', '+353871234567', 'See you at 5'],
    ['+44 20 7946 0958 hi', '+442079460958', 'hi'],
    ['+1 (650) 253-0000 hi', '+16502530000', 'hi'],
    ['+44 (0)20 7946 0958 hi', '+442079460958', 'hi'],
    ['+1\u00a0650\u00a0253\u00a00000 hi', '+16502530000', 'hi'],
    ['+16502530000 100 is my answer', '+16502530000', '100 is my answer'],
    ['+16502530000 2 apples', '+16502530000', '2 apples'],
    ['+16502530000: hi', '+16502530000', 'hi'],
    ['+16502530000, hi', '+16502530000', 'hi'],
    ['+16502530000; hi', '+16502530000', 'hi'],
    ['+4917012345672-hi', '+4917012345672', 'hi'],
    ['0044 20 7946 0958 hi', '+442079460958', 'hi'],
    ['00442079460958 hi', '+442079460958', 'hi'],
    ['(+4917012345672) hi', '+4917012345672', 'hi'],
    ['<+4917012345672> hi', '+4917012345672', 'hi'],
    ['&lt;+4917012345672&gt; hi', '+4917012345672', 'hi'],
    ['tel:+16502530000 hi', '+16502530000', 'hi'],
    ['"+16502530000" hi', '+16502530000', 'hi'],
    ['\u202a+16502530000\u202c hi', '+16502530000', 'hi'],
    ['\u200b+16502530000 hi', '+16502530000', 'hi'],
    ['+1\u2011650\u2011253\u20110000 hi', '+16502530000', 'hi'],
    ['\uff0b16502530000 hi', '+16502530000', 'hi'],
    ['+4917012345699, are you there?', '+4917012345699', 'are you there?'],
    ['+4917012345699! Are you there?', '+4917012345699', 'Are you there?'],
    ['%2B16502530000 hi', '+16502530000', 'hi'],
    ['\u202a+4917012345699\u202c Hi', '+4917012345699', 'Hi'],
  ])('%j', async (text, to, body) => {
    const before = (await written(customer)).length;
    expect(await exchange.say(customer, customer.user, text)).toBe(200);
    expect((await written(customer)).slice(before)).toEqual([[to, body]]);
  });

  test('in the own country’s way, and says where it went', async () => {
    const own = await exchange.customer();
    await exchange.gateway.prisma.mapping.update({
      where: { sid: own.mappingSid },
      data: { externalAddress: '+493023125000', externalDigits: '493023125000' },
    });
    await exchange.say(own, own.user, '0170 1234567 Hallo, bitte zurückrufen');
    expect(await written(own)).toEqual([['+491701234567', 'Hallo, bitte zurückrufen']]);
    expect((await nextShownTo(own, 1)).text).toBe('Sent to +491701234567.');
  });

  test('from one of several numbers, and says where it went', async () => {
    const own = await exchange.customer();
    const second = await exchange.person(own, own.user);
    await exchange.say(own, own.user, `from ${second.number} ${PARTNER} By the second`);
    expect(await exchange.messages(own.provider)).toMatchObject([{ mappingSid: second.mappingSid, to: PARTNER, body: 'By the second' }]);
    expect((await nextShownTo(own, 1)).text).toBe(`Sent to ${PARTNER}.`);
  });

  test('from one of several numbers where a colon follows it; else its writer is asked', async () => {
    const own = await inTouch();
    const second = await exchange.person(own, own.user);
    await exchange.say(own, own.user, `from ${second.number}: By the second`);
    const sent = expect.objectContaining({ mappingSid: second.mappingSid, to: PARTNER, body: 'By the second' });
    expect(await exchange.messages(own.provider, { direction: 'INBOUND' })).toContainEqual(sent);
    const text = `from ${second.number} you will be called`;
    await exchange.say(own, own.user, text);
    const asked = await nextShownTo(own, 2);
    expect(asked.text).toContain(`I cannot tell whether to send this from ${second.number}`);
    expect(await written(own)).toHaveLength(2);
    const choices = buttonsOf(asked).filter(({ title }) => title.startsWith(PARTNER));
    expect(choices.map(({ title }) => title)).toEqual([
      `${PARTNER}: “you will be called” (from ${second.number})`,
      expect.stringContaining(`${PARTNER} (from `),
    ]);
    await exchange.press(own, own.user, choices[0] as never);
    expect(await written(own)).toContainEqual([PARTNER, 'you will be called']);
  });
});

describe('an amount, a date or a sentence about digits is a text like any other', () => {
  test.each([
    '+100 for that idea',
    '+1 from me',
    '+5 Grad heute',
    '4711000 Stück',
    '20261130 ist der Termin',
    '0800 1234 ist das Passwort',
  ])('%j', async (text) => {
    const own = await inTouch();
    await exchange.say(own, own.user, text);
    expect(await written(own)).toContainEqual([PARTNER, text]);
  });
});

describe('a text that begins like a number and is none', () => {
  test.each([
    '+4999 for that idea',
    '+49 30 1234567 5 people',
    '123456789 is the order',
    'Tel: +16502530000 ist neu',
    '+16502530000, +4917012345672 hi',
    'whatsapp:+16502530000 hi',
    'Mobile: +16502530000 hi',
    '1) +16502530000 hi',
  ])('%j is held, and its writer asked', async (text) => {
    const own = await inTouch();
    await exchange.say(own, own.user, text);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    const asked = await nextShownTo(own, 1);
    expect(asked.text).toContain('Who is this for?');
    expect(asked.text).toContain('Nothing was sent yet');
    const whole = buttonsOf(asked).find(({ title }) => title === PARTNER);
    expect(whole).toBeDefined();
    const { status, body } = await exchange.press(own, own.user, whole as never);
    expect([status, body.statusCode, body.type]).toEqual([200, 200, 'application/vnd.microsoft.card.adaptive']);
    expect(linesOf(body.value)).toEqual([`Sent to ${PARTNER}:`, text]);
    expect(await written(own)).toEqual([
      [PARTNER, 'Hello'],
      [PARTNER, text],
    ]);
  });

  test('offers what it may mean', async () => {
    const own = await exchange.customer();
    await exchange.say(own, own.user, '+49 30 1234567 5 people');
    const asked = await nextShownTo(own, 1);
    const meant = buttonsOf(asked).find(({ title }) => title === '+49301234567: “5 people”');
    expect(meant).toBeDefined();
    await exchange.press(own, own.user, meant as never);
    expect(await written(own)).toEqual([['+49301234567', '5 people']]);
  });
});

describe('a quoted reply', () => {
  const quote = (messageId: string, text: string): [string, Partial<TeamsActivity>] => [
    `<quoted messageId="${messageId}"/> ${text}`,
    { entities: [{ type: 'quotedReply', quotedReply: { messageId, preview: 'From somebody' } }] },
  ];

  test('goes to the sender of the quoted SMS even if another one has written since', async () => {
    const own = await exchange.customer();
    await shownFrom(own, PARTNER, 'Do you want it?');
    const [sms] = shownTo(own);
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, ...quote(sms?.id ?? '', 'yes please'));
    expect(await written(own)).toEqual([[PARTNER, 'yes please']]);
    expect(shownTo(own)).toHaveLength(2);
  });

  test('goes to the recipient of the user’s own quoted text, and says where it went', async () => {
    const own = await inTouch();
    const [, activity] = await Promise.all([0, exchange.microsoft.activityFrom(own.bot, own.user, `${OTHER} To you`)]);
    await exchange.post(activity, await exchange.sign(activity));
    await exchange.say(own, own.user, `${PARTNER} And you`);
    await exchange.say(own, own.user, ...quote(activity.id, 'Did you read it?'));
    expect((await written(own)).at(-1)).toEqual([OTHER, 'Did you read it?']);
    expect((await nextShownTo(own, 1)).text).toBe(`Sent to ${OTHER}.`);
  });

  test('of something else goes as one without', async () => {
    const own = await inTouch();
    await exchange.say(own, own.user, ...quote('1772000000000', 'yes please'));
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'yes please']);
  });

  test.each([`From ${OTHER}: Do you want it?`, `Your SMS to ${OTHER} was not delivered: “Hi”`])(
    'of %j, which is no known message, is held if another partner is the last one, and its number is offered first',
    async (preview) => {
      const own = await inTouch();
      const quoted = { entities: [{ type: 'quotedReply', quotedReply: { messageId: '1772000000000', preview } }] };
      await exchange.say(own, own.user, '<quoted messageId="1772000000000"/> Yes', quoted);
      const asked = await nextShownTo(own, 1);
      expect(asked.text).toContain('Who is this for? “Yes”');
      expect(buttonsOf(asked).map(({ title }) => title)).toEqual([OTHER, PARTNER, 'Send to the number above', 'Do not send']);
      expect(await written(own)).toHaveLength(1);
      await exchange.press(own, own.user, buttonsOf(asked)[0] as never);
      expect((await written(own)).at(-1)).toEqual([OTHER, 'Yes']);
      await exchange.say(own, own.user, '<quoted messageId="1772000000000"/> And more', quoted);
      expect((await written(own)).at(-1)).toEqual([OTHER, 'And more']);
    },
  );

  test('that names a number goes there, without markup', async () => {
    const own = await inTouch();
    await exchange.say(own, own.user, ...quote('1772000000000', `${OTHER} yes`));
    expect((await written(own)).at(-1)).toEqual([OTHER, 'yes']);
  });
});

describe('what Teams shows is what the phone gets', () => {
  const html = (content: string) => ({ attachments: [{ contentType: 'text/html', content }] });
  test.each<[string, string, Partial<TeamsActivity>, string]>([
    [
      'lines',
      'Dear Ms Berg, your table is booked 8 pm tonight',
      html('<div><div><div>Dear Ms Berg,</div><div>your table is booked</div><div>8 pm tonight</div></div></div>'),
      'Dear Ms Berg,\nyour table is booked\n8 pm tonight',
    ],
    [
      'links',
      'Our order form',
      html('<p><a href="https://shop.contoso.example/order/4711" title="x">Our order form</a></p>'),
      'Our order form (https://shop.contoso.example/order/4711)',
    ],
    [
      'names of people',
      'Please ask <at>Megan B</at> for it',
      { entities: [{ type: 'mention', mentioned: { id: '29:2', name: 'Megan B' }, text: '<at>Megan B</at>' }] },
      'Please ask Megan B for it',
    ],
    ['what looks like markup', 'type <at>x</at> here', {}, 'type <at>x</at> here'],
    ['entities that were typed', 'Write &lt;b&gt; and AT&amp;T literally', {}, 'Write &lt;b&gt; and AT&amp;T literally'],
    ['NUL and lone surrogates as U+FFFD', 'a\0b\ud800c', {}, 'a\ufffdb\ufffdc'],
  ])('%s', async (_what, text, changes, body) => {
    const own = await inTouch();
    expect(await exchange.say(own, own.user, text, changes)).toBe(200);
    expect((await written(own)).at(-1)).toEqual([PARTNER, body]);
  });

  test('without the bot’s own mention', async () => {
    const own = await inTouch();
    const entities = [
      { type: 'mention', text: '<at>SMS</at>', mentioned: { id: `28:${own.bot.applicationId}` } },
      { type: 'mention', text: '<at>Anna Berg</at>', mentioned: { id: '29:anna' } },
    ];
    await exchange.say(own, own.user, '<at>SMS</at> <at>Anna Berg</at> will call you', { entities });
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'Anna Berg will call you']);
  });
});
