import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TeamsActivity } from '../../fakes/microsoft.ts';
import { buttonsOf, type Customer, createTestExchange, linesOf, type TestExchange, until } from '../../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());

const PARTNER = '+4917012345671';
const OTHER = '+4917012345672';

const shownTo = ({ user }: Pick<Customer, 'user'>) => exchange.microsoft.activities.filter(({ objectId }) => objectId === user.objectId);
const nextShownTo = async (person: Pick<Customer, 'user'>, count: number) =>
  exchange.microsoft.until(
    () => shownTo(person).length >= count && (shownTo(person)[count - 1] as (typeof exchange.microsoft.activities)[0]),
  );
const written = async ({ provider }: Customer) =>
  (await exchange.messages(provider, { direction: 'INBOUND' })).map(({ to, body }) => [to, body]);
const shownFrom = async (person: Customer, from: string, body: string) =>
  exchange.ends(person.provider, await exchange.text(person, person, from, body), 'DELIVERED');
/** A customer whose user has written to PARTNER. */
async function inTouch(): Promise<Customer> {
  const own = await exchange.customer();
  await exchange.say(own, own.user, `${PARTNER} Hello`);
  return own;
}

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

describe('a text without a number', () => {
  test('goes to the last partner, whom the user has written to', async () => {
    const own = await inTouch();
    await exchange.say(own, own.user, 'And more');
    expect(await written(own)).toEqual([
      [PARTNER, 'Hello'],
      [PARTNER, 'And more'],
    ]);
    expect(shownTo(own)).toEqual([]);
  });

  test('answers the only one who wrote', async () => {
    const own = await exchange.customer();
    await shownFrom(own, PARTNER, 'Hello');
    await shownFrom(own, PARTNER, 'Are you there?');
    await exchange.say(own, own.user, 'Yes');
    expect(await written(own)).toEqual([[PARTNER, 'Yes']]);
  });

  test('is held where somebody else wrote since: one tap sends it, once, and those after it go directly', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, 'At eight');
    const asked = await nextShownTo(own, 2);
    expect(asked.text).toBe('Who is this for? “At eight” Nothing was sent yet. Choose below, or write the number alone.');
    expect(buttonsOf(asked).map(({ title }) => title)).toEqual([OTHER, PARTNER, 'Send to the number above', 'Do not send']);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    const toPartner = buttonsOf(asked)[1] as never;
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => exchange.press(own, own.user, toPartner)));
    expect([first, ...others].map((answer) => linesOf(answer?.body.value)[0]).sort()).toEqual(
      ['This text was sent already.', 'This text was sent already.', `Sent to ${PARTNER}:`].sort(),
    );
    await exchange.say(own, own.user, 'Or nine');
    expect(await written(own)).toEqual([
      [PARTNER, 'Hello'],
      [PARTNER, 'At eight'],
      [PARTNER, 'Or nine'],
    ]);
    expect(linesOf((await exchange.press(own, own.user, toPartner)).body.value)).toEqual(['This text was sent already.']);
  });

  test('follows the user’s own text before it, which named its number after somebody else wrote', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, `${PARTNER} At eight`);
    await exchange.say(own, own.user, 'Or nine');
    expect(await written(own)).toEqual([
      [PARTNER, 'Hello'],
      [PARTNER, 'At eight'],
      [PARTNER, 'Or nine'],
    ]);
    await shownFrom(own, OTHER, 'Hello?');
    await exchange.say(own, own.user, 'At ten');
    expect((await nextShownTo(own, 3)).text).toContain('Who is this for? “At ten”');
  });

  test('is held where two wrote first, and the first one came back', async () => {
    const own = await exchange.customer();
    await shownFrom(own, PARTNER, 'One');
    await shownFrom(own, OTHER, 'Two');
    await shownFrom(own, PARTNER, 'Three');
    await exchange.say(own, own.user, 'Yes');
    expect((await nextShownTo(own, 4)).text).toContain('Who is this for? “Yes”');
    expect(await written(own)).toEqual([]);
  });

  test('is sent by typing the number alone', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, 'At eight');
    await nextShownTo(own, 2);
    const number = exchange.microsoft.activityFrom(own.bot, own.user, '+1 650-253-0000');
    for (let n = 0; n < 2; n += 1) expect(await exchange.post(number, await exchange.sign(number))).toBe(200);
    expect(await written(own)).toEqual([
      [PARTNER, 'Hello'],
      ['+16502530000', 'At eight'],
    ]);
    expect((await nextShownTo(own, 3)).text).toBe('Sent to +16502530000:\nAt eight');
    // The same number again, as a repeated activity, does not answer a later question.
    await shownFrom(own, PARTNER, 'Hello?');
    await exchange.say(own, own.user, 'Another');
    await nextShownTo(own, 5);
    expect(await exchange.post(number, await exchange.sign(number))).toBe(200);
    expect(await written(own)).toHaveLength(2);
  });

  test('is sent by the box of its card', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, 'At eight');
    const asked = await nextShownTo(own, 2);
    const box = buttonsOf(asked).find(({ verb }) => verb === 'sendTo') as never;
    expect(linesOf((await exchange.press(own, own.user, box, { number: 'Mum' })).body.value)[0]).toContain('I cannot read "Mum"');
    expect(await written(own)).toHaveLength(1);
    await exchange.press(own, own.user, box, { number: '+44 (0)20 7946 0958' });
    expect(await written(own)).toEqual([
      [PARTNER, 'Hello'],
      ['+442079460958', 'At eight'],
    ]);
  });

  test('goes after the question before it, in order', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, 'First');
    await exchange.say(own, own.user, 'Second');
    await exchange.say(own, own.user, 'Third');
    expect((await nextShownTo(own, 4)).text).toBe('This text waits, too: it goes where the one before goes. Choose above.');
    expect(await written(own)).toHaveLength(1);
    await exchange.press(own, own.user, buttonsOf(await nextShownTo(own, 2))[0] as never);
    const sent = () => exchange.restcomm.messages.filter(({ from, to }) => from === own.number && to === OTHER);
    await exchange.restcomm.until(() => sent().length === 3);
    expect(sent().map(({ body }) => body)).toEqual(['First', 'Second', 'Third']);
  });

  test('that is written again with its number is sent once', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, 'At eight');
    const asked = await nextShownTo(own, 2);
    await exchange.say(own, own.user, `${OTHER} At eight`);
    expect(linesOf((await exchange.press(own, own.user, buttonsOf(asked)[0] as never)).body.value)).toEqual([
      'This text was sent already.',
    ]);
    expect((await written(own)).slice(1)).toEqual([[OTHER, 'At eight']]);
  });

  test('is not sent where its writer says so, or deletes it', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    await exchange.say(own, own.user, 'At eight');
    const asked = await nextShownTo(own, 2);
    expect(linesOf((await exchange.press(own, own.user, buttonsOf(asked).at(-1) as never)).body.value)).toEqual(['Not sent.']);
    expect(linesOf((await exchange.press(own, own.user, buttonsOf(asked)[0] as never)).body.value)).toEqual([
      'This text is no longer kept, and was not sent. Write it again.',
    ]);
    const another = exchange.microsoft.activityFrom(own.bot, own.user, 'At nine');
    await exchange.post(another, await exchange.sign(another));
    await nextShownTo(own, 3);
    await exchange.say(own, own.user, '', { type: 'messageDelete', id: another.id });
    expect((await nextShownTo(own, 4)).text).toBe('Not sent.');
    expect(await written(own)).toHaveLength(1);
  });

  test('that is held twice by a repeated activity is asked for and sent once', async () => {
    const own = await inTouch();
    await shownFrom(own, OTHER, 'Me, too');
    const activity = exchange.microsoft.activityFrom(own.bot, own.user, '+100 for that');
    const post = async () => exchange.post(activity, await exchange.sign(activity));
    expect(await Promise.all([post(), post(), post()])).toEqual([200, 200, 200]);
    await exchange.press(own, own.user, buttonsOf(await nextShownTo(own, 2))[0] as never);
    expect(await post()).toBe(200);
    expect((await written(own)).slice(1)).toEqual([[OTHER, '+100 for that']]);
    expect(shownTo(own)).toHaveLength(2);
  });

  test('cannot answer a name', async () => {
    const own = await exchange.customer();
    await shownFrom(own, 'AMAZON', 'Your parcel');
    await exchange.say(own, own.user, 'Thanks');
    expect((await nextShownTo(own, 2)).text).toContain('AMAZON is a name, not a number: such senders cannot be answered.');
    expect(await written(own)).toEqual([]);
  });

  test.each([
    ['+1 555 123 0001', '+15551230001'],
    ['+1-555-123-0001', '+15551230001'],
    ['+1(555)1230001', '+15551230001'],
    ['tel:+15551230001', '+15551230001'],
    ['68849', '68849'],
  ])('answers a sender that the carrier writes as %s', async (from, to) => {
    const own = await exchange.customer();
    await shownFrom(own, from, 'Hello');
    await exchange.say(own, own.user, 'Hi');
    expect(await written(own)).toEqual([[to, 'Hi']]);
    expect(shownTo(own)).toMatchObject([{ text: `From ${to}:\nHello` }]);
  });

  test('answers none that cannot be', async () => {
    const own = await exchange.customer();
    await shownFrom(own, '22', 'Hello');
    await exchange.say(own, own.user, 'Hi');
    expect((await nextShownTo(own, 2)).text).toContain('22 cannot be answered: it is not a phone number.');
    expect(await written(own)).toEqual([]);
  });
});

describe('a quoted reply', () => {
  const quote = (messageId: string, text: string): [string, Partial<TeamsActivity>] => [
    `<quoted messageId="${messageId}"/> ${text}`,
    { entities: [{ type: 'quotedReply', quotedReply: { messageId, preview: 'From somebody' } }] },
  ];

  test('goes to the sender of the quoted SMS, whoever wrote since', async () => {
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

test('who answers before the delivery of an SMS is recorded is asked, and reaches nobody else', async () => {
  const own = await inTouch();
  const held = exchange.microsoft.hold('activities');
  await exchange.restcomm.receiveSms({ from: OTHER, to: own.number, body: 'Quick!' });
  await held.arrived;
  await exchange.say(own, own.user, 'Yes');
  expect(await written(own)).toHaveLength(1);
  held.release();
  await until(async () => shownTo(own).length === 2);
});
