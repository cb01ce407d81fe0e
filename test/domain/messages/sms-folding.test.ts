import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodingOf } from '../../../src/domain/messages/sms-encoding.ts';
import { foldForSms } from '../../../src/domain/messages/sms-folding.ts';

test.each([
  ['8\u00a0pm', '8 pm'],
  ['1\u202f000\u2009m', '1 000 m'],
  ['“Hello” – it’s ‘fine’…', "\"Hello\" - it's 'fine'..."],
  ['„Grüße“ — «salut» ‹ça› −5', '„Grüße“ — «salut» ‹ça› −5'],
  ['„Grüße“ — «salut» −5', '"Grüße" - "salut" -5'],
  ['5′ 30″', '5\' 30"'],
  ['a\tb', 'a b'],
  ['a\u2028b', 'a\nb'],
  ['number\u202c, \u200bzero\ufeff', 'number, zero'],
  ['Gru\u0308\u00dfe', 'Grüße'],
  ['co\u2011op', 'co-op'],
])('%j is sent as %j', (text, folded) => expect(foldForSms(text)).toBe(folded));

test.each(['“Hello” 👍', '“Привет”', '“你好”', '👨\u200d👩\u200d👧 – us', 'a\u0301\u0328 “b”'])(
  '%j needs UCS-2 anyway, and is unchanged',
  (text) => expect(foldForSms(text)).toBe(text),
);

test('a text that is already GSM-7 is unchanged', () => {
  for (const text of ['', 'plain "text" - it\'s ok...', 'Grüße, [€]', 'one\r\ntwo']) expect(foldForSms(text)).toBe(text);
});

test('a text that would need more segments is not folded', () => {
  const dots = '…'.repeat(60);
  expect(encodingOf(dots)).toEqual({ encoding: 'UCS_2', segments: 1 });
  expect(foldForSms(dots)).toBe(dots);
});

test('a folded text is GSM-7, needs no more segments, and is not folded again', () => {
  const characters = fc.constantFrom(...'ab ü€“”‘’–—…\u00a0\u202f\u200b\tя👍é\u0301');
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 400 }), (text) => {
      const folded = foldForSms(text);
      expect(foldForSms(folded)).toBe(folded);
      if (folded === text) return;
      expect(encodingOf(text).encoding).toBe('UCS_2');
      expect(encodingOf(folded).encoding).toBe('GSM_7');
      expect(encodingOf(folded).segments).toBeLessThanOrEqual(encodingOf(text).segments);
    }),
  );
});
