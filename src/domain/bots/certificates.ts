import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { invalidParameter } from '../input.ts';

/** A certificate that login can be shown, with its private key. */
interface Certificate {
  /** As PEM. */
  readonly certificate: string;
  /** As PEM (PKCS #8), unencrypted. */
  readonly privateKey: string;
  /** The SHA-256 digest of the certificate, in hex. */
  readonly thumbprint: string;
  readonly expires: Date;
}

/** Entra takes no shorter RSA keys. */
const MIN_BITS = 2048;

/**
 * Reads a certificate and its private key.
 * @param certificate as PEM; of a chain, the first one
 * @param privateKey as unencrypted PEM: PKCS #8 or PKCS #1
 * @throws InvalidInputError INVALID_PARAMETER for `certificate` or `privateKey`, without their contents
 */
export function readCertificate(certificate: string, privateKey: string): Certificate {
  const read = parsed(() => new X509Certificate(certificate), 'certificate', 'must be an X.509 certificate as PEM');
  const key: KeyObject = parsed(() => createPrivateKey(privateKey), 'privateKey', 'must be an unencrypted private key as PEM');
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_BITS)
    throw invalidParameter(['privateKey'], `must be an RSA key of at least ${MIN_BITS} bits`);
  if (!read.checkPrivateKey(key)) throw invalidParameter(['privateKey'], "must be the certificate's");
  const expires = new Date(read.validTo);
  if (expires.getTime() <= Date.now()) throw invalidParameter(['certificate'], 'must not have expired');
  return {
    certificate: read.toString(),
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: read.fingerprint256.replaceAll(':', '').toLowerCase(),
    expires,
  };
}

function parsed<Value>(parse: () => Value, parameter: string, why: string): Value {
  try {
    return parse();
  } catch {
    // The error could quote what was given.
    throw invalidParameter([parameter], why);
  }
}
