import { expect, test } from 'vitest';
import { encodingOf } from '../../../src/domain/messages/sms-encoding.ts';

test.each([
  ['', 'GSM_7', 1],
  ['a'.repeat(160), 'GSM_7', 1],
  ['a'.repeat(161), 'GSM_7', 2],
  ['a'.repeat(306), 'GSM_7', 2],
  ['a'.repeat(307), 'GSM_7', 3],
  // An escaped character takes two septets and is not split.
  ['€'.repeat(80), 'GSM_7', 1],
  ['€'.repeat(81), 'GSM_7', 2],
  ['€'.repeat(153), 'GSM_7', 3],
  ['Grüße, ÄÖÜ ñ ß @', 'GSM_7', 1],
  ['ç', 'UCS_2', 1],
  ['я'.repeat(70), 'UCS_2', 1],
  ['я'.repeat(71), 'UCS_2', 2],
  // An emoji takes two code units and is not split.
  ['👍'.repeat(35), 'UCS_2', 1],
  ['👍'.repeat(67), 'UCS_2', 3],
] as const)('%s is %s in %i segments', (text, encoding, segments) => {
  expect(encodingOf(text)).toEqual({ encoding, segments });
});
