import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buttonsOf, type Customer, createTestExchange, linesOf, type TestExchange } from '../../support/exchange.ts';
import { chatOf, PARTNER } from '../../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
const { nextShownTo, post, shownTo, written } = chatOf(() => exchange);

describe('the card of an SMS', () => {
  async function smsFor(own: Customer, from = PARTNER, body = 'Is the order ready?') {
    await exchange.ends(own.provider, await exchange.text(own, own, from, body), 'DELIVERED');
    return shownTo(own).at(-1) as (typeof exchange.microsoft.activities)[0];
  }

  test('says who wrote, to which number, and what, and so does the text', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own, PARTNER, 'one\n*two* https://shop.example/1.');
    expect(sms).toMatchObject({
      text: `From ${PARTNER}:\none\n*two* https://shop.example/1.`,
      summary: `From ${PARTNER}: “one *two* https://shop.example/1.”`,
    });
    expect(linesOf(sms.attachments?.[0].content)).toEqual([
      PARTNER,
      `to your number ${own.number}`,
      'one',
      '*two* https://shop.example/1.',
    ]);
  });

  test('answers that number even if another one has written since, and shows the answer', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own);
    await smsFor(own, '+4917012345672', 'Me, too');
    const [send] = buttonsOf(sms) as [never];
    const { body } = await exchange.press(own, own.user, send, { reply: ' +100 for that\u0000 ' });
    expect(body).toMatchObject({ statusCode: 200, type: 'application/vnd.microsoft.card.adaptive' });
    expect(linesOf(body.value).slice(-2)).toEqual(['You replied:', '+100 for that\ufffd']);
    expect(await written(own)).toEqual([[PARTNER, '+100 for that\ufffd']]);
    expect((await nextShownTo(own, 3)).text).toBe(`Sent to ${PARTNER}:\n+100 for that\ufffd`);
    // From now on, the user writes to that number.
    await exchange.say(own, own.user, 'And more');
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'And more']);
  });

  test('sends a reply once that is pressed twice', async () => {
    const own = await exchange.customer();
    const [send] = buttonsOf(await smsFor(own)) as [never];
    await Promise.all([1, 2, 3].map(() => exchange.press(own, own.user, send, { reply: 'Yes' })));
    expect(await written(own)).toEqual([[PARTNER, 'Yes']]);
    await exchange.press(own, own.user, send, { reply: 'Or no' });
    expect(await written(own)).toHaveLength(2);
  });

  test('sends what an older client submits as a message', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own);
    const { fallback } = buttonsOf(sms)[0] as unknown as { fallback: { data: object } };
    const { text: _, ...activity } = exchange.microsoft.activityFrom(own.bot, own.user, '');
    expect(await post({ ...activity, value: { ...fallback.data, reply: 'Yes' } })).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Yes']]);
  });

  test('sends nothing that is empty, or too long, or another user’s', async () => {
    const own = await exchange.customer();
    const other = await exchange.person(own);
    const [send] = buttonsOf(await smsFor(own)) as [never];
    expect(linesOf((await exchange.press(own, own.user, send, { reply: '  ' })).body.value).at(-1)).toContain('Write a text first.');
    expect(linesOf((await exchange.press(own, own.user, send, { reply: 'x'.repeat(1601) })).body.value).at(-1)).toContain('at most 999');
    expect(linesOf((await exchange.press(own, other.user, send, { reply: 'Mine' })).body.value)).toEqual([
      'This number is no longer yours, so you cannot send from it.',
    ]);
    expect(await written(own)).toEqual([]);
  });

  test('has no box for a name', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own, 'AMAZON', 'Your parcel');
    expect(buttonsOf(sms)).toEqual([]);
    expect(linesOf(sms.attachments?.[0].content).at(-1)).toBe('This sender cannot be answered.');
  });

  test('is left out where Teams could not take it, and the text says it all', async () => {
    const own = await exchange.customer();
    const body = 'x'.repeat(9_900);
    expect(await smsFor(own, PARTNER, body)).toMatchObject({ text: `From ${PARTNER}:\n${body}` });
  });
});
