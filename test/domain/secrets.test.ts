import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSecrets, SealError } from '../../src/domain/secrets.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const secrets = createSecrets(randomBytes(32));

describe('a sealed value', () => {
  test('opens in its own place', () => {
    fc.assert(
      fc.property(text, text, (plaintext, place) => {
        expect(secrets.open(secrets.seal(plaintext, place), place)).toBe(plaintext);
      }),
    );
  });

  test('opens in no other place', () => {
    fc.assert(
      fc.property(text, text, text, (plaintext, place, other) => {
        fc.pre(place !== other);
        expect(() => secrets.open(secrets.seal(plaintext, place), other)).toThrow(SealError);
      }),
    );
  });

  test('does not open after a change of any byte, whether of version, key id, nonce, ciphertext or tag', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), (plaintext, position, change) => {
        const sealed = secrets.seal(plaintext, 'BE1');
        const index = position % sealed.length;
        sealed[index] = (sealed[index] ?? 0) ^ change;
        expect(() => secrets.open(sealed, 'BE1')).toThrow(SealError);
      }),
    );
  });

  test('does not open when cut at either end or lengthened', () => {
    fc.assert(
      fc.property(text, fc.nat(), (plaintext, cut) => {
        const sealed = secrets.seal(plaintext, 'BE1');
        const length = cut % sealed.length;
        expect(() => secrets.open(sealed.subarray(0, length), 'BE1')).toThrow(SealError);
        expect(() => secrets.open(sealed.subarray(sealed.length - length), 'BE1')).toThrow(SealError);
        expect(() => secrets.open(new Uint8Array([...sealed, 0]), 'BE1')).toThrow(SealError);
      }),
    );
  });

  test('is different each time', () => {
    const sealed = new Set(Array.from({ length: 100 }, () => Buffer.from(secrets.seal('secret', 'BE1')).toString('hex')));
    expect(sealed.size).toBe(100);
  });

  test('names the key that is missing, without showing a key', () => {
    const master = randomBytes(32);
    const sealed = createSecrets(master).seal('secret', 'BE1');
    expect(() => secrets.open(sealed, 'BE1')).toThrow(/sealed under the key [0-9a-f]{8}, which this gateway does not have/);
    expect(Buffer.from(sealed).includes(master.subarray(0, 4))).toBe(false);
  });
});

describe('a token’s digest', () => {
  test('matches only its own token', () => {
    fc.assert(
      fc.property(text, text, (token, other) => {
        const { digest, keyId } = secrets.digest(token);
        expect(secrets.matches(token, digest, keyId)).toBe(true);
        expect(secrets.matches(other, digest, keyId)).toBe(other === token);
      }),
    );
  });

  test('matches nothing when it is cut, or if its key is missing', () => {
    const { digest, keyId } = secrets.digest('token');
    expect(secrets.matches('token', digest.subarray(0, 31), keyId)).toBe(false);
    expect(secrets.matches('token', new Uint8Array(), keyId)).toBe(false);
    expect(secrets.matches('token', digest, 'ffffffff')).toBe(false);
  });

  test('cannot be computed without the key', () => {
    const other = createSecrets(randomBytes(32));
    expect(other.digest('token').digest).not.toEqual(secrets.digest('token').digest);
  });

  test('differs from its fingerprint: each use has its own key', () => {
    expect(secrets.fingerprint('token')).not.toEqual(secrets.digest('token').digest);
    expect(secrets.fingerprint('token')).toEqual(secrets.fingerprint('token'));
  });
});

describe('keys', () => {
  test('that are retired still open and match, but seal and digest nothing new', () => {
    const [old, current] = [randomBytes(32), randomBytes(32)];
    const before = createSecrets(old);
    const after = createSecrets(current, old);
    const { digest, keyId } = before.digest('token');
    expect(after.open(before.seal('secret', 'BE1'), 'BE1')).toBe('secret');
    expect(after.matches('token', digest, keyId)).toBe(true);
    expect(after.holds(keyId)).toBe(true);
    expect(before.holds(after.digest('token').keyId)).toBe(false);
    expect(() => before.open(after.seal('secret', 'BE1'), 'BE1')).toThrow(SealError);
  });

  test('of any length other than 32 bytes are refused', () => {
    expect(() => createSecrets(randomBytes(31))).toThrow(RangeError);
    expect(() => createSecrets(randomBytes(32), new Uint8Array())).toThrow(RangeError);
  });
});
