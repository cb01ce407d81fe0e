import { scryptSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../src/domain/passwords.ts';

describe('a password’s hash', () => {
  test('is scrypt with its parameters and a fresh salt, and verifies only that password', async () => {
    const [first, second] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    expect(first).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(first).not.toBe(second);
    expect(await verifyPassword('correct horse', first)).toBe(true);
    expect(await verifyPassword('correct horse', second)).toBe(true);
    expect(await verifyPassword('correct horsf', first)).toBe(false);
    expect(await verifyPassword('', first)).toBe(false);
  });

  test('accepts the password in either Unicode composition', async () => {
    expect(await verifyPassword('pässword', await hashPassword('pa\u0308ssword'))).toBe(true);
  });

  test('with other parameters still verifies', async () => {
    const salt = Buffer.from('NaClNaClNaClNaCl');
    const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
    const encoded = `$scrypt$ln=10,r=8,p=16$${base64(salt)}$${base64(scryptSync('password', salt, 32, { N: 1024, r: 8, p: 16 }))}`;
    expect(await verifyPassword('password', encoded)).toBe(true);
    expect(await verifyPassword('Password', encoded)).toBe(false);
  });

  test('that is malformed is an error, not a wrong password', async () => {
    await expect(verifyPassword('password', 'plaintext')).rejects.toThrow('malformed');
    await expect(verifyPassword('password', '')).rejects.toThrow('malformed');
  });
});
