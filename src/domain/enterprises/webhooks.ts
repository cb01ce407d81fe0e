import { timingSafeEqual } from 'node:crypto';
import type { Gateway } from '../gateway.ts';

// Restcomm signs no request, so a webhook's path carries a secret of the number's own: its mapping's sid and a keyed digest of it.

const MAC_HEX = 32;

type Deps = Pick<Gateway, 'secrets' | 'publicUrl'>;

/** Where Restcomm delivers a mapped number's SMS. */
export const smsWebhook = (gateway: Deps, mappingSid: string) =>
  `${gateway.publicUrl}/webhooks/restcomm/${secretOf(gateway, mappingSid)}/sms`;

/** Where Restcomm reports on a message that was sent by a mapping. The message's sid comes along: a report may arrive before Restcomm's own sid. */
export const statusWebhook = (gateway: Deps, mappingSid: string, messageSid: string) =>
  `${gateway.publicUrl}/webhooks/restcomm/${secretOf(gateway, mappingSid)}/status?message=${messageSid}`;

/** The mapping that a webhook's secret belongs to, whether or not it still exists, under whichever key; `undefined` for a secret that was not made here. */
export function mappingOfSecret(gateway: Deps, secret: string): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(secret)) return undefined;
  const mappingSid = `BE${secret.slice(0, -MAC_HEX)}`;
  return secretsOf(gateway, mappingSid).some((valid) => timingSafeEqual(Buffer.from(valid), Buffer.from(secret))) ? mappingSid : undefined;
}

/** Where the platform was given an address before a rotation, that one still comes: the current key's is the first. */
function secretsOf({ secrets }: Deps, mappingSid: string): string[] {
  return secrets
    .fingerprints(`webhook ${mappingSid}`)
    .map(({ fingerprint }) => mappingSid.slice(2) + Buffer.from(fingerprint).toString('hex').slice(0, MAC_HEX));
}

const secretOf = (gateway: Deps, mappingSid: string): string => secretsOf(gateway, mappingSid)[0] ?? '';
