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
  const valid = secretsOf(gateway, mappingSid);
  if (!valid.some((one) => timingSafeEqual(Buffer.from(one), Buffer.from(secret)))) return undefined;
  remembered(gateway).set(mappingSid, valid);
  return mappingSid;
}

/** By the mapping's sid. A message to the carrier needs them to be sent, and for each report. Only what a valid secret has named is remembered. */
const known = new WeakMap<Secrets, LRUCache<string, readonly string[]>>();

function remembered({ secrets }: WebhookDeps): LRUCache<string, readonly string[]> {
  const cache = known.get(secrets) ?? new LRUCache({ max: 10_000 });
  known.set(secrets, cache);
  return cache;
}

/** A mapping's secrets, the current key's first. The platform may still use one from before a rotation. */
const secretsOf = (gateway: WebhookDeps, mappingSid: string): readonly string[] =>
  remembered(gateway).get(mappingSid) ??
  gateway.secrets
    .fingerprints(`webhook ${mappingSid}`)
    .map(({ fingerprint }) => mappingSid.slice(2) + Buffer.from(fingerprint).toString('hex').slice(0, DIGEST_LENGTH));

const secretOf = (gateway: WebhookDeps, mappingSid: string): string => secretsOf(gateway, mappingSid)[0] ?? '';
