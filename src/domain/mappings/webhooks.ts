import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Gateway } from '../gateway.ts';
import type { Secrets } from '../secrets.ts';

// Restcomm does not sign its requests, so a webhook's path contains a secret: the mapping's sid and a keyed digest of it, in hex.

const DIGEST_LENGTH = 32;

type WebhookDeps = Pick<Gateway, 'secrets' | 'publicUrl'>;

/** The URL at which Restcomm delivers a mapped number's SMS. */
export const smsWebhook = (gateway: WebhookDeps, mappingSid: string) =>
  `${gateway.publicUrl}/webhooks/restcomm/${secretOf(gateway, mappingSid)}/sms`;

/** The URL at which Restcomm reports a sent message's status. It contains the message's sid, since a report may arrive before Restcomm's own sid does. */
export const statusWebhook = (gateway: WebhookDeps, mappingSid: string, messageSid: string) =>
  `${gateway.publicUrl}/webhooks/restcomm/${secretOf(gateway, mappingSid)}/status?message=${messageSid}`;

/**
 * Verifies a webhook's secret, in constant time.
 * @returns the sid of its mapping, which may be deleted by now; `undefined` for a secret that none of this gateway's keys made
 */
export function mappingOfSecret(gateway: WebhookDeps, secret: string): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(secret)) return undefined;
  const mappingSid = `BE${secret.slice(0, -DIGEST_LENGTH)}`;
  return secretsOf(gateway, mappingSid).some((valid) => timingSafeEqual(Buffer.from(valid), Buffer.from(secret))) ? mappingSid : undefined;
}

/** Each message to the carrier needs its mapping's secrets three times: once to send it, and for each report. */
const known = new WeakMap<Secrets, LRUCache<string, readonly string[]>>();

/** A mapping's secrets, the current key's first. The platform may still use one from before a rotation. */
function secretsOf({ secrets }: WebhookDeps, mappingSid: string): readonly string[] {
  const remembered = known.get(secrets) ?? new LRUCache({ max: 10_000 });
  known.set(secrets, remembered);
  const found = remembered.get(mappingSid);
  if (found) return found;
  const made = secrets
    .fingerprints(`webhook ${mappingSid}`)
    .map(({ fingerprint }) => mappingSid.slice(2) + Buffer.from(fingerprint).toString('hex').slice(0, DIGEST_LENGTH));
  remembered.set(mappingSid, made);
  return made;
}

const secretOf = (gateway: WebhookDeps, mappingSid: string): string => secretsOf(gateway, mappingSid)[0] ?? '';
