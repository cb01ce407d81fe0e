import { expect, test } from 'vitest';
import { accountSid, newSid } from '../../../src/domain/values/sid.ts';
import { domainOf, fold } from '../../../src/domain/values/text.ts';

test('folded text is the same in any case and composition', () => {
  expect(fold('KOHL & SÖHNE')).toBe(fold('Kohl & So\u0308hne'));
  expect(fold('ΟΔΟΣ')).toBe(fold('οδοσ'));
  expect(fold('ΟΔΟΣΑ')).toContain(fold('ΟΔΟΣ'));
  expect(fold('Kohl')).not.toBe(fold('Kohls'));
});

test('the domain of an address is the part after its last @, folded', () => {
  expect(domainOf('Sunny@Solutions.OnMicrosoft.com')).toBe('solutions.onmicrosoft.com');
  expect(domainOf('"a@b"@C.example')).toBe('c.example');
  expect(domainOf('8f1c')).toBe('');
});

test('an account’s sid is AC and the md5 of its lower-case e-mail', () => {
  expect(accountSid(' Test101@Telestax.com ')).toBe('AC75b7202450f29407c34629b9f36b2bfd');
});

test('every other sid is its prefix and 32 random lower-case hex digits', () => {
  expect(newSid('RCS')).toMatch(/^RCS[0-9a-f]{32}$/);
  expect(newSid('EN')).not.toBe(newSid('EN'));
});
