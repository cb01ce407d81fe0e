import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentsOf } from '../../src/console/pages/messages/segments.ts';
import { encodingOf } from '../../src/domain/messages/sms-encoding.ts';

test('the console counts segments as the gateway does', () => {
  const gsm = fc.constantFrom(...'@£$ÇÅΔaz09 €^{}[]~|\\');
  const text = fc.oneof(
    fc.array(gsm, { maxLength: 500 }).map((characters) => characters.join('')),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
  );
  fc.assert(
    fc.property(text, (body) => {
      expect(segmentsOf(body)).toEqual(encodingOf(body));
    }),
  );
});
