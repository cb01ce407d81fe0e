import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { done } from '../parity/faces.ts';
import { createTestExchange, type TestExchange } from '../support/exchange.ts';
import { chatOf } from '../support/teams-chat.ts';

// PostgreSQL's text type holds no NUL and no lone surrogates. A platform's words may have both, and are stored with a message.

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
afterEach(() => exchange.calm());
const { shownTo, quiet } = chatOf(() => exchange);

const PHONE = '+4917012345671';
const WORDS = 'a\0b\ud800c';
/** Cut at 500 characters within a pair of surrogates. */
const LONG = 'x'.repeat(499) + '\u{1f600}'.repeat(10);

describe.each([
  ['NUL and lone surrogates', WORDS, 'a\ufffdb\ufffdc'],
  ['a pair of surrogates where they are cut', LONG, `${'x'.repeat(499)}\ufffd`],
])('a refusal whose words have %s is stored', (_what, words, stored) => {
  test('the connector’s: the message waits, and is delivered', async () => {
    const own = await exchange.customer();
    exchange.microsoft.fault('activities', { answer: { status: 403, body: { error: { code: 'BotDisabledByAdmin', message: words } } } });
    const sid = await exchange.text(own, own, PHONE, 'one');
    expect(await exchange.ends(own.provider, sid, 'stuck')).toMatchObject({
      waiting: { reason: 'BOT_BLOCKED' },
      channelErrorMessage: stored,
    });
    await done(own.provider, 'updateBot', { sid: own.botSid, botAppId: 'another' });
    await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('a login’s: the message waits, and is delivered', async () => {
    const own = await exchange.customer();
    Object.assign(own.bot, { clientSecret: 'a new one' });
    const body = { error: 'invalid_client', error_description: `AADSTS7000222: ${words}` };
    exchange.microsoft.fault('token', { answer: { status: 401, body }, times: 100 });
    await done(own.provider, 'updateBot', { sid: own.botSid, clientSecret: 'a new one' });
    const sid = await exchange.text(own, own, PHONE, 'one');
    expect((await exchange.ends(own.provider, sid, 'stuck')).waiting).toMatchObject({
      reason: 'BOT_CREDENTIALS',
      channelErrorCode: 'AADSTS7000222',
    });
    exchange.microsoft.heal();
    await done(own.provider, 'updateBot', { sid: own.botSid, botAppId: 'another' });
    await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('Restcomm’s: the message fails, and its writer gets a notice', async () => {
    const own = await exchange.customer();
    exchange.restcomm.faults.next('send', { status: 400, body: JSON.stringify({ message: words, code: 'x' }) });
    await exchange.say(own, own.user, `${PHONE} Hello`);
    const [message] = await exchange.messages(own.provider, { direction: 'INBOUND' });
    expect(await exchange.ends(own.provider, message?.sid, 'FAILED')).toMatchObject({ channelErrorMessage: stored });
    await quiet();
    expect(shownTo(own)).toHaveLength(1);
  });
});

test('an id of the connector’s that cannot be stored does not keep a message from being DELIVERED', async () => {
  const own = await exchange.customer();
  exchange.microsoft.fault('activities', { answerAfter: { status: 201, body: { id: `17\0${'\ud800'}` } } });
  const sid = await exchange.text(own, own, PHONE, 'one');
  expect(await exchange.ends(own.provider, sid, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
});
