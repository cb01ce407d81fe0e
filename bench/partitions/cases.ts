import type { Database } from '../../src/database/connect.ts';
import type { Sql } from '../../src/database/sql.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { readEvents } from '../../src/domain/events/read-events.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import type { PageArguments } from '../../src/domain/lists/keyset.ts';
import type { MessageFilter } from '../../src/domain/messages/message-filter.ts';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { findMessage, listMessages } from '../../src/domain/messages/messages.ts';
import { reportStatus } from '../../src/domain/messages/status-reports.ts';
import { findSent } from '../../src/exchange/restcomm/sent-messages.ts';
import { ORGANIZATION } from '../data.ts';
import type { Variant } from './variants.ts';

// What is asked of each variant, by the gateway's own functions.

interface Sample {
  readonly sid: string;
  readonly date_created: Date;
  readonly mapping_sid: string;
  readonly enterprise_sid: string;
  readonly restcomm_message_sid: string;
  readonly teams_conversation_id: string;
  readonly teams_activity_id: string;
}

/** A database, and rows of it to ask for. */
export interface Place {
  readonly database: Database;
  readonly variant: Variant;
  /** From all of its months. */
  readonly samples: readonly Sample[];
  /** A mapping of another organization, which is written to. */
  readonly writer: {
    readonly organization_sid: string;
    readonly enterprise_sid: string;
    readonly account_sid: string;
    readonly sid: string;
  };
  readonly cursor: string;
  readonly head: bigint;
  /** Of the last messages, those that have events. */
  readonly recent: readonly string[];
}

export interface Case {
  readonly what: string;
  readonly isWrite?: boolean;
  readonly run: (place: Place, n: number) => Promise<unknown>;
}

const CALLER = { organizationSid: ORGANIZATION, accountSid: 'AC', permissions: new Set(['read']) } as unknown as Caller;
const of = ({ samples }: Place, n: number) => samples[n % samples.length] as Sample;
const gateway = ({ database: { sql } }: Place) => ({ sql }) as Gateway;

const page = (place: Place, filter: MessageFilter, order: 'ASC' | 'DESC' = 'ASC', args: PageArguments = {}) =>
  listMessages(gateway(place), CALLER, filter, { field: 'DATE_CREATED', direction: order }, { first: 10, ...args });

export async function startOf(database: Database, variant: Variant): Promise<Place> {
  const { rows: samples } = await database.pool.query<Sample>(
    `SELECT m.* FROM generate_series(1, 390, 2) day CROSS JOIN LATERAL (SELECT * FROM message
       WHERE organization_sid = $1 AND direction = 'INBOUND' AND date_created >= now() - day * interval '1 day' AND restcomm_message_sid IS NOT NULL
         AND mapping_sid IS NOT NULL AND teams_activity_id IS NOT NULL
       ORDER BY date_created LIMIT 1) m`,
    [ORGANIZATION],
  );
  const { rows: writers } = await database.pool.query<Place['writer']>(
    'SELECT organization_sid, enterprise_sid, account_sid, sid FROM mapping WHERE organization_sid <> $1 ORDER BY sid LIMIT 1',
    [ORGANIZATION],
  );
  const { rows: heads } = await database.pool.query<{ seq: string }>('SELECT seq FROM event_head WHERE organization_sid = $1', [
    ORGANIZATION,
  ]);
  const { rows: recent } = await database.pool.query<{ sid: string }>(
    'SELECT message_sid AS sid FROM message_event WHERE organization_sid = $1 ORDER BY seq DESC LIMIT 500',
    [ORGANIZATION],
  );
  const deep = samples[Math.floor(samples.length / 2)] as Sample;
  const { pageInfo } = await listMessages({ sql: database.sql } as Gateway, CALLER, { createdFrom: deep.date_created }, undefined, {
    first: 1,
  });
  const place = {
    database,
    variant,
    samples,
    writer: writers[0] as Place['writer'],
    cursor: String(pageInfo.endCursor),
    head: BigInt(heads[0]?.seq ?? 0),
  };
  return { ...place, recent: recent.map(({ sid }) => sid) };
}

async function accept(place: Place, n: number): Promise<string> {
  const { database, variant, writer } = place;
  const { organization_sid: organizationSid, enterprise_sid: enterpriseSid, account_sid: accountSid, sid: mappingSid } = writer;
  const sidOf = variant.sid?.of;
  const sql: Sql = sidOf
    ? {
        ...database.sql,
        writeTogether: (write) =>
          database.sql.writeTogether({ ...write, values: [sidOf(String(write.values[0]), new Date()), ...write.values.slice(1)] }),
      }
    : database.sql;
  const phone = `4477009${String(n % 1000).padStart(5, '0')}`;
  const message = await acceptMessage(sql, {
    ...{
      organizationSid,
      enterpriseSid,
      mappingSid,
      accountSid,
      direction: 'INBOUND',
      from: 'person.1@example.com',
      to: `+${phone}`,
      phone,
    },
    body: 'Your appointment is confirmed for Thursday at half past ten; answer NO if you cannot come.',
    teams: { conversationId: `19:${mappingSid}@thread.v2`, activityId: `${Date.now()}.${process.hrtime.bigint()}` },
    lane: `sms:trial:${phone}`,
  });
  return message?.sid ?? '';
}

export const CASES: readonly Case[] = [
  { what: 'a message by its sid', run: (place, n) => findMessage(gateway(place), CALLER, of(place, n).sid) },
  {
    what: 'a message by its sid and its time',
    run: (place, n) =>
      place.database.sql.readTogether({
        text: 'SELECT * FROM message WHERE sid = $1 AND date_created = $2',
        values: [of(place, n).sid, of(place, n).date_created],
        types: ['text', 'timestamptz'],
        maxRows: 1,
      }),
  },
  { what: 'the first page of the organization', run: (place) => page(place, {}) },
  { what: 'its newest page', run: (place) => page(place, {}, 'DESC') },
  { what: 'a page after a cursor, 200 days deep', run: (place) => page(place, {}, 'ASC', { after: place.cursor }) },
  { what: 'the newest page of an enterprise', run: (place, n) => page(place, { enterpriseSid: of(place, n).enterprise_sid }, 'DESC') },
  { what: 'the newest page of a mapping', run: (place, n) => page(place, { mappingSid: of(place, n).mapping_sid }, 'DESC') },
  {
    what: 'the newest page of two filters (planned each time)',
    run: (place) => page(place, { direction: 'OUTBOUND', type: 'SMS' }, 'DESC'),
  },
  {
    what: 'the page of a month',
    run: (place) =>
      page(place, { createdFrom: new Date(Date.now() - 130 * 86_400_000), createdTo: new Date(Date.now() - 100 * 86_400_000) }),
  },
  {
    what: 'the first page by the sender (from)',
    run: (place) => listMessages(gateway(place), CALLER, {}, { field: 'FROM', direction: 'ASC' }, { first: 10 }),
  },
  {
    what: 'a message by its Restcomm sid (filter)',
    run: (place, n) => page(place, { restcommMessageSid: of(place, n).restcomm_message_sid }),
  },
  {
    what: 'a message by its Restcomm sid (status report)',
    run: (place, n) => findSent(gateway(place), of(place, n).mapping_sid, { restcommMessageSid: of(place, n).restcomm_message_sid }),
  },
  // As Prisma asks for them, which names the schema itself.
  {
    what: 'a message by its Teams activity',
    run: (place, n) => {
      const { enterprise_sid: enterprise, teams_conversation_id: conversation, teams_activity_id: activity } = of(place, n);
      return place.database.sql.query(
        `SELECT * FROM message WHERE organization_sid IN ($1) AND enterprise_sid IN ($2) AND teams_conversation_id = $3 AND teams_activity_id = $4
         ORDER BY date_created DESC LIMIT 1`,
        [ORGANIZATION, enterprise, conversation, activity],
      );
    },
  },
  {
    what: '500 events of the log, in its middle',
    run: (place, n) => readEvents(place.database.sql, ORGANIZATION, place.head / 2n + BigInt(n % 1000), 500),
  },
  { what: 'the last five events of the log', run: (place) => readEvents(place.database.sql, ORGANIZATION, place.head - 5n, 500) },
  {
    what: 'the events of a message',
    run: (place, n) =>
      place.database.sql.query('SELECT * FROM message_event WHERE organization_sid = $1 AND message_sid IN ($2) ORDER BY seq', [
        ORGANIZATION,
        place.recent[n % place.recent.length],
      ]),
  },
  { what: 'accepting a message', isWrite: true, run: accept },
  {
    what: 'accepting, and three status reports',
    isWrite: true,
    run: async (place, n) => {
      const sid = await accept(place, n);
      const report = { sid, organizationSid: place.writer.organization_sid };
      for (const status of ['SENDING', 'SENT', 'DELIVERED'] as const) {
        await reportStatus(place.database.sql, report, { status, restcommMessageSid: status === 'SENT' ? `SM${sid.slice(2)}` : undefined });
      }
    },
  },
];
