import { LRUCache } from 'lru-cache';
import type { Gateway } from '../../domain/gateway.ts';

/** A message that was sent to a phone. Nothing of this ever changes. */
interface SentMessage {
  readonly sid: string;
  readonly organizationSid: string;
  readonly direction: 'INBOUND';
  readonly body: string;
}

/** How much to remember, in UTF-16 code units of sids and bodies. */
const MAX_REMEMBERED = 4_000_000;

// Two reports follow each message within seconds, and mostly reach the instance that sent it.
const remembered = new LRUCache<string, SentMessage>({
  maxSize: MAX_REMEMBERED,
  sizeCalculation: ({ body }, key) => key.length + body.length,
});

const keyOf = (mappingSid: string, messageSid: string) => `${mappingSid} ${messageSid}`;

/** Remembers a message that is about to be sent from a mapping's number, so that its reports need not look for it. */
export function rememberSent(mappingSid: string, { sid, organizationSid, body }: Omit<SentMessage, 'direction'>): void {
  remembered.set(keyOf(mappingSid, sid), { sid, organizationSid, direction: 'INBOUND', body });
}

/**
 * Finds a message that a number has sent to a phone, by the number's mapping, whose secret came with the report. Once the mapping is deleted, its messages
 * have none: then it is one of the enterprise's, or of the number's.
 */
export async function findSent(
  { sql }: Gateway,
  mappingSid: string,
  where: { sid: string } | { restcommMessageSid: string },
): Promise<SentMessage | undefined> {
  const known = 'sid' in where ? remembered.get(keyOf(mappingSid, where.sid)) : undefined;
  if (known) return known;
  // Conditions that no index serves, so that the sid leads to the row: a generic plan may prefer the index of another condition.
  const [found, value] =
    'sid' in where
      ? ['m.sid = $2 AND m.organization_sid IS NOT DISTINCT FROM', where.sid]
      : ['m.restcomm_message_sid = $2 AND m.organization_sid =', where.restcommMessageSid];
  const text = `
    SELECT m.sid, m.organization_sid AS "organizationSid", 'INBOUND' AS direction, m.body FROM message m WHERE m.direction::text = 'INBOUND' AND ${found}
      coalesce((SELECT organization_sid FROM mapping WHERE sid = $1), (SELECT organization_sid FROM released_mapping WHERE sid = $1))
      AND CASE WHEN m.mapping_sid IS NOT NULL THEN m.mapping_sid = $1
        ELSE EXISTS (SELECT 1 FROM released_mapping r WHERE r.sid = $1 AND (r.enterprise_sid = m.enterprise_sid OR r.external_address = m."from")) END`;
  const [message] = await sql.readTogether<SentMessage>({ text, values: [mappingSid, value], types: ['text', 'text'], maxRows: 1 });
  return message;
}
