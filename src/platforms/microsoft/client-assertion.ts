import { createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';

/** How long an assertion is valid, in seconds. Microsoft recommends five to ten minutes. */
const LIFETIME_SECONDS = 5 * 60;

/**
 * Signs the assertion by which an application proves that it has a certificate's private key (RFC 7523).
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 * @param certificate.thumbprint the SHA-256 digest of the certificate, in hex
 * @param certificate.privateKey an RSA key as PEM
 * @param use.url the token endpoint, which is the audience
 * @param use.now in ms
 */
export function signAssertion(
  { thumbprint, privateKey }: { readonly thumbprint: string; readonly privateKey: string },
  { applicationId, url, now }: { readonly applicationId: string; readonly url: string; readonly now: number },
): Promise<string> {
  const seconds = Math.floor(now / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', 'x5t#S256': Buffer.from(thumbprint, 'hex').toString('base64url') })
    .setAudience(url)
    .setIssuer(applicationId)
    .setSubject(applicationId)
    .setJti(randomUUID())
    .setIssuedAt(seconds)
    .setNotBefore(seconds)
    .setExpirationTime(seconds + LIFETIME_SECONDS)
    .sign(createPrivateKey(privateKey));
}
