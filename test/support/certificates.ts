import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';

/** A self-signed certificate and its private key, as PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  /** SHA-256, in hex. */
  readonly thumbprint: string;
}

/** Makes a self-signed RSA certificate (RFC 5280), as Entra takes for applications. Node can read certificates, but make none. */
export function makeCertificate({ days = 365, bits = 2048 }: { days?: number; bits?: number } = {}): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const now = Date.now();
  const name = sequence(set(sequence(OID_COMMON_NAME, der(0x0c, Buffer.from('sms-gateway.test')))));
  const algorithm = sequence(OID_SHA256_WITH_RSA, der(0x05));
  const validity = sequence(utcTime(new Date(now - 400 * 86_400_000)), utcTime(new Date(now + days * 86_400_000)));
  const serial = der(0x02, Buffer.from([1, ...randomBytes(8)]));
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const body = sequence(der(0xa0, der(0x02, Buffer.from([2]))), serial, algorithm, name, validity, name, key);
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]));
  const certificate = new X509Certificate(sequence(body, algorithm, signature));
  return {
    certificate: certificate.toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
const sequence = (...contents: Buffer[]) => der(0x30, ...contents);
const set = (...contents: Buffer[]) => der(0x31, ...contents);
const utcTime = (date: Date) => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const OID_COMMON_NAME = Buffer.from('0603550403', 'hex');
const OID_SHA256_WITH_RSA = Buffer.from('06092a864886f70d01010b', 'hex');
