import { setTimeout as delay } from 'node:timers/promises';
import { ask, connected } from '../database.ts';
import { type Conversation, seedConversations } from '../exchange/conversations.ts';
import { move, openEmbeddedSide, openSide, type Run, type Side } from '../exchange/side.ts';
import { ACCOUNT_SID } from '../gateway.ts';
import { drive } from '../load.ts';
import type { Row, Work } from '../work.ts';

const OTHER_ACCOUNT = `AC${'7'.repeat(32)}`;
/** How often the other organization gets an SMS, in ms. */
const EVERY_MS = 250;
/** The numbers of the backlog's texts begin here. */
const BACKLOG_FROM = 10_000_000;

/** What the exchange allows besides its marks: another organization's messages behind a backlog, two instances, and the embedded database. */
export const backlog: Work = async (bench) => {
  const size = bench.smoke ? { enterprises: 2, users: 10 } : { enterprises: 40, users: 25 };
  const [count, few] = bench.smoke ? [60, 60] : [5000, 2000];
  const rows = [await behindBacklog(bench)];
  for (const [work, of, open] of [
    ['by two instances', count, () => openSide(bench, 'gateway', size, 2)],
    ['on the embedded database', few, () => openEmbeddedSide(bench, size)],
  ] as const) {
    const side = await open();
    try {
      for (const direction of ['to Teams', 'to the carrier'] as const) {
        await move(side, direction, of / 5);
        rows.push(told(`messages ${direction}, ${work}`, await move(side, direction, of)));
      }
    } finally {
      await side.close();
    }
  }
  return { rows, measured: [] };
};

function told(work: string, { perSecond, processor, postgres, isDisturbed }: Run): Row {
  const gateway = `${Math.round(perSecond)}/s, ${processor.toFixed(2)} + ${postgres.toFixed(2)} ms`;
  return { work: isDisturbed ? `${work} (disturbed)` : work, beside: '–', gateway, peer: '–', is: perSecond, unit: '/s' };
}

/** An organization has a backlog in each of its conversations. How long do another one's messages take meanwhile? */
async function behindBacklog(bench: Parameters<Work>[0]): Promise<Row> {
  const [enterprises, each, samples] = bench.smoke ? [2, 2, 3] : [400, 10, 40];
  const side = await openSide(bench, 'gateway', { enterprises, users: 25 });
  try {
    await ask(side.url, ADD_ACCOUNT, [OTHER_ACCOUNT, ACCOUNT_SID]);
    const other = { enterprises: 1, users: 25, first: 1000, account: OTHER_ACCOUNT };
    const others = await connected(side.url, (client) => seedConversations(client, side.platforms, other));
    await ask(side.url, ADD_BACKLOG, [ACCOUNT_SID, each, BACKLOG_FROM]);
    const delays: number[] = [];
    for (let sample = 1; sample <= samples; sample += 1) {
      const [delayMs] = await Promise.all([arrival(side, others[sample % others.length] as Conversation, sample), delay(EVERY_MS)]);
      delays.push(delayMs);
    }
    const moved = side.platforms.arrivals.size - samples;
    if (moved === 0 || (!bench.smoke && moved >= enterprises * 25 * each)) throw new Error(`Of the backlog, ${moved} were moved.`);
    const is = Math.max(...delays);
    return {
      work: `another organization’s message behind a backlog of ${enterprises * 25 * each}, the slowest of ${samples}`,
      beside: '–',
      gateway: `${is.toFixed(0)} ms, the first ${delays[0]?.toFixed(0)}`,
      peer: '–',
      is,
      unit: 'ms',
      mark: { atMost: 1000 },
    };
  } finally {
    await side.close();
  }
}

/** Sends an SMS and waits until it is at Teams. @returns how long it took, in ms */
async function arrival({ servers, platforms }: Side, conversation: Conversation, number: number): Promise<number> {
  const since = performance.now();
  await drive({ port: servers[0].port, request: () => conversation.sms(number), connections: 1, count: 1, seconds: 60 });
  while (!platforms.arrivals.has(number)) await delay(2);
  return (platforms.arrivals.get(number) ?? 0) - since;
}

const ADD_ACCOUNT = `
  WITH o AS (INSERT INTO organization (sid, name) VALUES ('OR' || md5($1), 'Other') RETURNING sid)
  INSERT INTO account (sid, organization_sid, email, friendly_name, permissions, token_digest, token_key_id)
  SELECT $1, o.sid, 'other@example.com', 'Other', permissions, token_digest, token_key_id FROM account, o WHERE account.sid = $2`;

/** A backlog as it is while Teams is away: messages to each of an organization's users, with their events. */
const ADD_BACKLOG = `
  WITH m AS (
    INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body, channel_status,
      status_rank)
    SELECT 'MS' || md5(sid || n), organization_sid, enterprise_sid, sid, account_sid, 'OUTBOUND', '+447700900123', '447700900123', microsoft_address,
      microsoft_address_folded, 'Waiting #' || $3 + row_number() OVER (), 'QUEUED', 0
    FROM mapping, generate_series(1, $2::int) n WHERE account_sid = $1 RETURNING *
  ), o AS (
    INSERT INTO outbox (message_sid, lane) SELECT sid, 'teams:' || enterprise_sid || ':' || lower("to") FROM m
  ), l AS (
    INSERT INTO outbox_lane (lane, organization_sid, additions)
    SELECT 'teams:' || enterprise_sid || ':' || lower("to"), organization_sid, $2 FROM m GROUP BY 1, 2
  ), h AS (
    INSERT INTO event_head (organization_sid, seq) SELECT organization_sid, count(*) FROM m GROUP BY 1
    ON CONFLICT (organization_sid) DO UPDATE SET seq = event_head.seq + excluded.seq
  )
  INSERT INTO message_event (organization_sid, seq, message_sid, status) SELECT organization_sid, row_number() OVER (), sid, 'QUEUED' FROM m`;
