import { activityZodSchema } from '@microsoft/agents-activity';
import { AdaptiveCard, SerializationContext, Versions } from 'adaptivecards';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CARD_TYPE,
  type Card,
  failureActivity,
  outcomeCard,
  questionActivity,
  questionCard,
  type ShownSms,
  smsActivity,
  smsCard,
} from '../../../src/exchange/teams/notices/cards.ts';
import { linesOf } from '../../support/exchange.ts';

const SMS: ShownSms = {
  sid: 'MS1',
  from: '+4917012345671',
  own: '+493012345',
  body: 'Hello',
  mediaUrls: [],
  maxReply: 1600,
};
const QUESTION = {
  body: 'At eight',
  choices: [
    { number: '+4917012345671', mappingSid: 'BM1', body: 'At eight' },
    { number: '+4917012345672', mappingSid: 'BM2', body: 'eight' },
  ],
  problem: 'I cannot tell.',
  ownNumbers: new Map([
    ['BM1', '+493012345'],
    ['BM2', '+493012346'],
  ]),
};
const activities = {
  'an SMS': smsActivity({
    ...SMS,
    body: 'one\n\n*two* https://shop.example/1 [x](y)',
    mediaUrls: ['https://m.example/1.jpg', 'https://m.example/2.pdf'],
  }),
  'an SMS of a name': smsActivity({ ...SMS, from: 'AMAZON', maxReply: undefined }),
  'an SMS that was answered': { text: 'x', attachments: [{ contentType: CARD_TYPE, content: smsCard({ ...SMS, replied: 'Yes' }) }] },
  'an SMS whose answer is refused': { text: 'x', attachments: [{ contentType: CARD_TYPE, content: smsCard({ ...SMS, problem: 'No' }) }] },
  'a question': questionActivity('HT1', QUESTION),
  'a question whose answer is refused': {
    text: 'x',
    attachments: [{ contentType: CARD_TYPE, content: questionCard('HT1', { ...QUESTION, refused: 'No' }) }],
  },
  'a failure': failureActivity({ sid: 'MS1', text: 'Not delivered.\nThe phone is off.', canRetry: true }),
  'a failure for good': failureActivity({ sid: 'MS1', text: 'Not delivered.', canRetry: false }),
  'an outcome': { text: 'x', attachments: [{ contentType: CARD_TYPE, content: outcomeCard('Sent.') }] },
};

// biome-ignore lint/suspicious/noExplicitAny: any JSON
const withoutFallbacks = (json: any): any => JSON.parse(JSON.stringify(json, (key, value) => (key === 'fallback' ? undefined : value)));

/** What Microsoft's own reader does not know of a card, or finds wrong. */
function complaints(card: Card): string[] {
  const parsed = new AdaptiveCard();
  const context = new SerializationContext(Versions.v1_4);
  parsed.parse(card, context);
  const read = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
  const checked = parsed.validateProperties().validationEvents.map(({ message }) => message);
  return [...read, ...checked];
}

describe.each(Object.entries(activities))('%s', (_what, activity) => {
  test('is an activity by Microsoft’s schema', () => {
    expect(activityZodSchema.strict().parse({ type: 'message', textFormat: 'plain', ...activity })).toMatchObject(activity);
  });

  test('shows a card that Microsoft’s reader knows all of, its buttons’ fallbacks, too', () => {
    for (const { content } of activity.attachments ?? []) {
      const card = content as Card;
      expect(complaints(card)).toEqual([]);
      const parsed = new AdaptiveCard();
      parsed.parse(card, new SerializationContext(Versions.v1_4));
      expect(parsed.toJSON()).toEqual(withoutFallbacks(card));
      const submits = (card.actions ?? []).map((action) => (action as { fallback: object }).fallback);
      const older: Card = { ...card, ...(card.actions && { actions: submits }) };
      expect(complaints(older)).toEqual([]);
      const olderParsed = new AdaptiveCard();
      olderParsed.parse(older, new SerializationContext(Versions.v1_4));
      expect(olderParsed.toJSON()).toEqual(JSON.parse(JSON.stringify(older)));
      // Teams shows six buttons.
      expect(submits.length).toBeLessThanOrEqual(6);
    }
  });
});

test('an SMS’s card names who wrote, to which number, what, and its media, and answers in a box', () => {
  const card = smsCard({ ...SMS, body: 'one\ntwo', mediaUrls: ['https://m.example/1.jpg', 'http://m.example/2.jpg'] });
  expect(linesOf(card)).toEqual([
    '+4917012345671',
    'to your number +493012345',
    'one',
    'two',
    'https://m.example/1.jpg',
    'http://m.example/2.jpg',
  ]);
  // Teams loads pictures by https alone.
  expect(card.body.filter((element) => (element as { type: string }).type === 'Image')).toMatchObject([{ url: 'https://m.example/1.jpg' }]);
  expect(card.body.at(-1)).toMatchObject({ type: 'Input.Text', id: 'reply', isMultiline: true, maxLength: 1600 });
  expect(card.actions).toMatchObject([
    {
      type: 'Action.Execute',
      verb: 'reply',
      data: { message: 'MS1' },
      fallback: { type: 'Action.Submit', data: { verb: 'reply', message: 'MS1' } },
    },
  ]);
});

test('a question’s buttons say what they send, and by which of several numbers', () => {
  expect(questionCard('HT1', QUESTION).actions?.map((action) => (action as { title: string }).title)).toEqual([
    '+4917012345671 (from +493012345)',
    '+4917012345672: “eight” (from +493012346)',
    'Send to the number above',
    'Do not send',
  ]);
  const one = { ...QUESTION, ownNumbers: new Map([['BM1', '+493012345']]) };
  expect(questionCard('HT1', one).actions?.[0]).toMatchObject({ title: '+4917012345671', data: { held: 'HT1', choice: 0 } });
});

const texts = fc.string({
  unit: fc.oneof(fc.constantFrom(...'\n\r*_[](){}<>`#>+-.!|~&\\"\' '), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 })),
  maxLength: 400,
});

test('what people wrote is never read as Markdown, a date or another element', () => {
  fc.assert(
    fc.property(texts, (body) => {
      const card = smsCard({ ...SMS, body });
      expect(complaints(card)).toEqual([]);
      // biome-ignore lint/suspicious/noExplicitAny: any JSON
      const shown = card.body.slice(2, -1) as any[];
      expect(shown.every(({ type }) => type === 'RichTextBlock')).toBe(true);
      const text = shown.map(({ inlines }) => inlines.map(({ text: run }: { text: string }) => run).join('')).join('\n');
      expect(text).not.toContain('{{');
      const expected =
        body === ''
          ? ''
          : body
              .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
              .map((line) => line || ' ')
              .join('\n');
      const joined = (split: string) => split.replace(/\{\u200b(?=\{)/g, '{');
      expect(joined(text)).toBe(joined(expected));
    }),
    { examples: [['{{{'], ['{{{{DATE(2017-02-14T06:08:00Z)}}}}']] },
  );
});

test('web addresses are links, without the punctuation after them', () => {
  const links = (body: string) =>
    // biome-ignore lint/suspicious/noExplicitAny: any JSON
    (smsCard({ ...SMS, body }).body as any[])
      .flatMap(({ inlines = [] }) => inlines as { selectAction?: { url: string } }[])
      .flatMap(({ selectAction }) => selectAction?.url ?? []);
  expect(links('see https://a.example/x?y=1. Or (http://b.example)!')).toEqual(['https://a.example/x?y=1', 'http://b.example']);
  expect(links('javascript:alert(1) data:text/html,x file:///etc')).toEqual([]);
});

test('an SMS that is too long for a card is shown by its text', () => {
  const long = 'x'.repeat(9_000);
  const activity = smsActivity({ ...SMS, body: long });
  expect(activity.text).toBe(`From +4917012345671:\n${long}`);
  expect(linesOf(activity.attachments?.[0]?.content)).toEqual(['+4917012345671', 'to your number +493012345']);
  expect(smsActivity({ ...SMS, body: 'x'.repeat(13_000) })).toEqual({ text: `From +4917012345671:\n${'x'.repeat(13_000)}` });
});
