import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expireHeldTexts } from '../../../src/exchange/teams/texts/held-texts.ts';
import { done } from '../../parity/faces.ts';
import { buttonsOf, type Customer, createTestExchange, linesOf, type TestExchange } from '../../support/exchange.ts';
import { chatOf, OTHER, PARTNER } from '../../support/teams-chat.ts';

// How a held text ends that is not sent. Its writer hears of it, and nothing is sent later.

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());

const { shownTo, nextShownTo, written } = chatOf(() => exchange);

/** A customer whose user has to be asked. */
async function twoPartners(): Promise<Customer> {
  const own = await exchange.customer();
  await exchange.say(own, own.user, `${PARTNER} Hello`);
  await exchange.ends(own.provider, await exchange.text(own, own, OTHER, 'Me, too'), 'DELIVERED');
  return own;
}
/** Writes a text that is held. @returns its activity */
async function writes(own: Customer, text: string) {
  const activity = exchange.microsoft.activityFrom(own.bot, own.user, text);
  expect(await exchange.post(activity, await exchange.sign(activity))).toBe(200);
  return activity;
}
/** A day passes for the texts of an enterprise. */
const dayPasses = async ({ enterpriseSid }: Customer, bodies: readonly string[]) => {
  await exchange.gateway.prisma.heldText.updateMany({
    where: { enterpriseSid, body: { in: [...bodies] } },
    data: { expires: new Date(Date.now() - 1) },
  });
  await expireHeldTexts(exchange.gateway);
};
const NOT_KEPT = 'This text is no longer kept, and was not sent. Write it again.';
const NOT_CHOSEN = 'Not sent, since you did not choose a number within a day:';

describe('a held text', () => {
  test('ends after a day, with those behind it, and its writer gets a notice; nothing is sent later', async () => {
    const own = await twoPartners();
    await writes(own, 'At eight');
    const asked = await nextShownTo(own, 2);
    await writes(own, 'Or nine');
    await nextShownTo(own, 3);
    await expireHeldTexts(exchange.gateway);
    expect(shownTo(own)).toHaveLength(3);
    await dayPasses(own, ['At eight']);
    await nextShownTo(own, 5);
    expect(
      shownTo(own)
        .slice(3)
        .map(({ text }) => text),
    ).toEqual([`${NOT_CHOSEN} “At eight”`, `${NOT_CHOSEN} “Or nine”`]);
    expect(linesOf((await exchange.press(own, own.user, buttonsOf(asked)[0] as never)).body.value)).toEqual([
      'This text is no longer kept, and was not sent. Write it again.',
    ]);
    await writes(own, PARTNER);
    expect((await nextShownTo(own, 6)).text).toContain('Write "+<number> <text>"');
    await dayPasses(own, ['At eight', 'Or nine']);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    expect(shownTo(own)).toHaveLength(6);
  });

  test('that cannot be ended is logged, and the others end', async () => {
    const [own, other] = [await twoPartners(), await twoPartners()];
    await writes(own, 'poison');
    await writes(other, 'Mine');
    await Promise.all([nextShownTo(own, 2), nextShownTo(other, 2)]);
    const { prisma } = exchange.gateway;
    await prisma.$executeRaw`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`;
    await prisma.$executeRaw`CREATE TRIGGER refuse BEFORE UPDATE OF ended ON held_text FOR EACH ROW WHEN (NEW.body = 'poison') EXECUTE FUNCTION refuse()`;
    await prisma.heldText.updateMany({ where: { body: { in: ['poison', 'Mine'] } }, data: { expires: new Date(Date.now() - 1) } });
    await expireHeldTexts(exchange.gateway).finally(() => prisma.$executeRaw`DROP FUNCTION refuse CASCADE`);
    expect((await nextShownTo(other, 3)).text).toBe(`${NOT_CHOSEN} “Mine”`);
    expect(exchange.logged.some((line) => line.includes('cannot end a held text'))).toBe(true);
    await expireHeldTexts(exchange.gateway);
    expect((await nextShownTo(own, 3)).text).toBe(`${NOT_CHOSEN} “poison”`);
  });

  test('that is edited waits as it was, and a notice says so', async () => {
    const own = await twoPartners();
    const activity = await writes(own, 'At eight');
    const asked = await nextShownTo(own, 2);
    await exchange.say(own, own.user, 'At nine', { type: 'messageUpdate', id: activity.id });
    expect((await nextShownTo(own, 3)).text).toContain('waits as you first wrote it');
    await exchange.press(own, own.user, buttonsOf(asked)[1] as never);
    await exchange.say(own, own.user, 'At ten', { type: 'messageUpdate', id: activity.id });
    expect((await nextShownTo(own, 4)).text).toContain('can be neither changed nor taken back');
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'At eight']);
  });

  test('that is deleted and restored is not sent, and a notice says so', async () => {
    const own = await twoPartners();
    const activity = await writes(own, 'At eight');
    const asked = await nextShownTo(own, 2);
    await exchange.say(own, own.user, '', { type: 'messageDelete', id: activity.id });
    expect((await nextShownTo(own, 3)).text).toBe('Not sent.');
    await exchange.say(own, own.user, 'At eight', {
      type: 'messageUpdate',
      id: activity.id,
      channelData: { eventType: 'undeleteMessage', tenant: { id: own.bot.tenantId } } as never,
    });
    expect((await nextShownTo(own, 4)).text).toBe(NOT_KEPT);
    expect(linesOf((await exchange.press(own, own.user, buttonsOf(asked)[1] as never)).body.value)).toEqual([NOT_KEPT]);
    expect(await written(own)).toHaveLength(1);
  });

  test.each(['dropped by its card', 'ended after a day'])('that is %s, and then edited or deleted, is never called sent', async (how) => {
    const own = await twoPartners();
    const activity = await writes(own, 'At eight');
    const asked = await nextShownTo(own, 2);
    if (how === 'ended after a day') await dayPasses(own, ['At eight']);
    else await exchange.press(own, own.user, buttonsOf(asked).at(-1) as never);
    const before = how === 'ended after a day' ? 3 : 2;
    await nextShownTo(own, before);
    await exchange.say(own, own.user, `${OTHER} At eight`, { type: 'messageUpdate', id: activity.id });
    expect((await nextShownTo(own, before + 1)).text).toBe(NOT_KEPT);
    await exchange.say(own, own.user, '', { type: 'messageDelete', id: activity.id });
    expect((await nextShownTo(own, before + 2)).text).toBe('Not sent.');
    expect(await written(own)).toHaveLength(1);
  });

  test('whose number its writer sent as a text of its own is not called unsent if the writer deletes that text', async () => {
    const own = await twoPartners();
    await writes(own, 'At eight');
    await nextShownTo(own, 2);
    const number = await writes(own, PARTNER);
    expect((await nextShownTo(own, 3)).text).toBe(`Sent to ${PARTNER}:\nAt eight`);
    await exchange.post(
      { ...exchange.microsoft.activityFrom(own.bot, own.user, PARTNER), id: number.id },
      await exchange.sign(exchange.microsoft.activityFrom(own.bot, own.user, PARTNER)),
    );
    await exchange.say(own, own.user, '', { type: 'messageDelete', id: number.id });
    expect((await nextShownTo(own, 4)).text).toContain('can be neither changed nor taken back');
    expect(await written(own)).toHaveLength(2);
  });

  test('is not sent from another number than its button names, once that number is no longer the user’s', async () => {
    const own = await exchange.customer();
    const second = await exchange.person(own, own.user);
    await exchange.say(own, own.user, `from ${second.number}: ${PARTNER} Hello`);
    await exchange.ends(own.provider, await exchange.text(own, own, OTHER, 'Me, too'), 'DELIVERED');
    await writes(own, 'At eight');
    const asked = await exchange.microsoft.until(() => shownTo(own).find(({ text }) => String(text).includes('Who is this for?')));
    const bySecond = buttonsOf(asked).find(({ title }) => title === `${PARTNER} (from ${second.number})`);
    expect(bySecond).toBeDefined();
    await done(own.provider, 'deleteMapping', { sid: second.mappingSid });
    expect(linesOf((await exchange.press(own, own.user, bySecond as never)).body.value)[0]).toBe(
      'This number is no longer yours, so you cannot send from it.',
    );
    expect(await written(own)).toHaveLength(1);
  });

  test('that is deleted while it waits behind another one is not sent with it', async () => {
    const own = await twoPartners();
    await writes(own, 'At eight');
    const asked = await nextShownTo(own, 2);
    const second = await writes(own, 'Or nine');
    await writes(own, 'Or ten');
    await nextShownTo(own, 4);
    await exchange.say(own, own.user, '', { type: 'messageDelete', id: second.id });
    expect((await nextShownTo(own, 5)).text).toBe('Not sent.');
    await exchange.press(own, own.user, buttonsOf(asked)[1] as never);
    const sent = () => exchange.restcomm.messages.filter(({ from }) => from === own.number).map(({ to, body }) => [to, body]);
    await exchange.restcomm.until(() => sent().length === 3);
    expect(sent()).toEqual([
      [PARTNER, 'Hello'],
      [PARTNER, 'At eight'],
      [PARTNER, 'Or ten'],
    ]);
    expect(await written(own)).toHaveLength(3);
  });

  test.each(['deleted', 'dropped by its card'])('that is %s drops those behind it, and a notice says so', async (how) => {
    const own = await twoPartners();
    const first = await writes(own, 'At eight');
    const asked = await nextShownTo(own, 2);
    await writes(own, 'Or nine');
    await writes(own, 'Or ten');
    await nextShownTo(own, 4);
    const told = 'Not sent, and neither is what waited behind it: “Or nine”, “Or ten”';
    if (how === 'deleted') {
      await exchange.say(own, own.user, '', { type: 'messageDelete', id: first.id });
      expect((await nextShownTo(own, 5)).text).toBe(told);
    } else {
      expect(linesOf((await exchange.press(own, own.user, buttonsOf(asked).at(-1) as never)).body.value)).toEqual([told]);
    }
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
  });
});
