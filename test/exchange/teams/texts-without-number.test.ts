import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buttonsOf, createTestExchange, linesOf, type TestExchange, until } from '../../support/exchange.ts';
import { chatOf, OTHER, PARTNER } from '../../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());

const { shownTo, nextShownTo, written, shownFrom, inTouch } = chatOf(() => exchange);

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
    const { value: again } = (await exchange.press(own, own.user, box, { number: 'Mum' })).body;
    expect(linesOf(again)[0]).toContain('I cannot read "Mum"');
    expect(await written(own)).toHaveLength(1);
    // The card that takes the question's place asks it again.
    expect(linesOf(again)).toContain('At eight');
    const buttons = buttonsOf({ attachments: [{ contentType: '', content: again }] });
    expect(buttons).toEqual(buttonsOf(asked));
    await exchange.press(own, own.user, buttons.find(({ verb }) => verb === 'sendTo') as never, { number: '+44 (0)20 7946 0958' });
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
