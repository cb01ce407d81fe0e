import type { ChannelStatus, MessageDirection, MessageType } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { normalizeSid } from '../sid.ts';
import { deliveryQuantile } from './delivery-times.ts';
import { GRAINS } from './fold-usage.ts';
import { bucketsOf, quarterAfter, quarterOf, stretchesOf, type UsageGranularity } from './usage-buckets.ts';

export type UsageDimension = 'ENTERPRISE' | 'MAPPING' | 'DIRECTION' | 'STATUS' | 'TYPE';

interface UsageFilter {
  readonly enterpriseSid?: string | null;
  readonly mappingSid?: string | null;
  readonly direction?: MessageDirection | null;
  readonly type?: MessageType | null;
  readonly statuses?: readonly ChannelStatus[] | null;
}

export interface UsageQuery {
  readonly from: Date;
  readonly to: Date;
  readonly granularity: UsageGranularity;
  readonly groupBy?: readonly UsageDimension[] | null;
  readonly filter?: UsageFilter | null;
  readonly timeZone?: string | null;
}

/** What was used in one hour, day or month, of one group. A field of the group is `null` if it is not grouped by. */
export interface Used {
  readonly from: Date;
  readonly to: Date;
  readonly enterpriseSid: string | null;
  readonly mappingSid: string | null;
  readonly direction: MessageDirection | null;
  readonly channelStatus: ChannelStatus | null;
  readonly type: MessageType | null;
  messages: number;
  segments: number;
  delivered: number;
  failed: number;
  readonly medianDeliveryTime: number | null;
  readonly p95DeliveryTime: number | null;
}

/** How many entries an answer has at most. */
const MAX_ENTRIES = 10_000;

const COLUMNS = {
  ENTERPRISE: 'enterprise_sid',
  MAPPING: 'mapping_sid',
  DIRECTION: 'direction',
  STATUS: 'status',
  TYPE: 'type',
} as const;

/**
 * Adds up what messages in the caller's reach were accepted in a time, by what they are now. Messages that were deleted count as they were.
 * @returns the hours, days or months that have messages, in order, and of each its groups
 * @throws InvalidInputError INVALID_PARAMETER; SearchTooWideError for more than MAX_ENTRIES entries
 */
export function readUsage(gateway: Gateway, caller: Caller, query: UsageQuery): Promise<Used[]> {
  return usageWithin(gateway, caller, query, timesOf(query), MAX_ENTRIES);
}

/**
 * Splits the time of a query.
 * @returns when its hours, days or months begin, and the end
 * @throws InvalidInputError INVALID_PARAMETER
 */
export function timesOf({ from, to, granularity, timeZone }: UsageQuery): Date[] {
  if (from >= to) throw invalidParameter(['to'], 'must be after from', to.toISOString());
  return bucketsOf(quarterOf(from), quarterAfter(to), granularity, timeZone ?? 'UTC');
}

/**
 * Adds up some of a query's hours, days or months.
 * @param times those of `timesOf` at which they begin, and the next one
 * @param limit of entries
 * @throws SearchTooWideError for more
 */
export async function usageWithin(
  { sql }: Gateway,
  caller: Caller,
  { filter, groupBy: given }: UsageQuery,
  times: readonly Date[],
  limit: number,
): Promise<Used[]> {
  const [from, to] = [times[0], times.at(-1)] as [Date, Date];
  const groupBy = [...new Set(given ?? [])];
  const values: unknown[] = [caller.organizationSid];
  const place = (value: unknown) => `$${values.push(value)}`;

  const conditions: string[] = [];
  const equal = (column: string, value: string | null | undefined, type = '') => {
    if (value) conditions.push(`${column} = ${place(value)}${type}`);
  };
  equal('enterprise_sid', caller.enterpriseSid);
  equal('enterprise_sid', filter?.enterpriseSid && normalizeSid(filter.enterpriseSid));
  equal('mapping_sid', filter?.mappingSid && normalizeSid(filter.mappingSid));
  equal('direction', filter?.direction, '::message_direction');
  equal('type', filter?.type, '::message_type');
  if (filter?.statuses) conditions.push(`status = ANY (${place([...filter.statuses])}::channel_status[])`);
  const matching = conditions.map((condition) => ` AND ${condition}`).join('');

  const columns = groupBy.map((dimension) => COLUMNS[dimension]);
  const bounds = `${place(times.map((time) => time.toISOString()))}::timestamptz[]`;
  const grains = grainsOf(
    groupBy.includes('MAPPING') || filter?.mappingSid,
    groupBy.includes('ENTERPRISE') || filter?.enterpriseSid || caller.enterpriseSid,
  );
  const selected = [`width_bucket(slot, ${bounds}) AS place`, ...columns, 'status AS state', 'bucket', 'messages', 'segments'].join(', ');
  const stretches = stretchesOf(times);
  const branches = [...new Set(stretches.map(({ length }) => grains[length]))].map((grain) => {
    const own = stretches.filter(({ length }) => grains[length] === grain);
    const instants = (side: 'from' | 'to') => `${place(own.map((stretch) => new Date(stretch[side]).toISOString()))}::timestamptz[]`;
    // For each stretch by itself, along an index: joined, all slots could be read for each.
    return `SELECT used.* FROM unnest(${instants('from')}, ${instants('to')}) AS r (since, before) CROSS JOIN LATERAL (
       SELECT ${selected} FROM usage WHERE organization_sid = $1 AND grain = ${grain}${ROLLED_UP[grain]}${matching} AND slot >= since AND slot < before OFFSET 0
     ) AS used`;
  });
  const by = ['place', ...columns, 'state', 'bucket'];
  const order = by.map((_, at) => at + 1).join(', ');
  const rows = await sql.query<UsedPart>(
    `SELECT ${by.join(', ')}, sum(messages)::int AS messages, sum(segments)::int AS segments FROM (
       ${branches.join(' UNION ALL ')}
       UNION ALL
       SELECT ${selected} FROM usage_change WHERE organization_sid = $1 AND slot >= ${place(from.toISOString())} AND slot < ${place(to.toISOString())}${matching}
     ) AS used
     GROUP BY ${order} HAVING sum(messages) <> 0 ORDER BY ${order} LIMIT ${limit * MAX_PARTS + 1}`,
    values,
  );
  if (rows.length > limit * MAX_PARTS) throw new SearchTooWideError();
  return entriesOf(rows, columns, times, limit);
}

/** What the rows of a grain do not tell: the primary key leads to its rows. */
const ROLLED_UP: Readonly<Record<number, string>> = Object.fromEntries([
  ...Object.values(GRAINS.mapping).map((grain) => [grain, '']),
  ...[GRAINS.enterprise.day, GRAINS.enterprise.hour].map((grain) => [grain, " AND mapping_sid = ''"]),
  ...Object.values(GRAINS.organization).map((grain) => [grain, " AND mapping_sid = '' AND enterprise_sid = ''"]),
]);

/** How many rows an entry has on average at most: its statuses and times to delivery. */
const MAX_PARTS = 20;

/** The number of messages of a group that have this status and time to delivery. */
type UsedPart = {
  readonly place: number;
  readonly state: ChannelStatus;
  readonly bucket: number;
  readonly messages: number;
  readonly segments: number;
} & { readonly [Column in (typeof COLUMNS)[UsageDimension]]?: string };

const grainsOf = (isByMapping: unknown, isByEnterprise: unknown) => {
  if (isByMapping) return GRAINS.mapping;
  return isByEnterprise ? GRAINS.enterprise : GRAINS.organization;
};

function entriesOf(rows: readonly UsedPart[], columns: readonly (keyof UsedPart)[], times: readonly Date[], limit: number): Used[] {
  const groups = new Map<string, UsedPart[]>();
  for (const row of rows) {
    const key = [row.place, ...columns.map((column) => row[column])].join(' ');
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  if (groups.size > limit) throw new SearchTooWideError();
  return [...groups.values()].map((group) => entryOf(group, columns, times));
}

function entryOf(group: readonly UsedPart[], columns: readonly (keyof UsedPart)[], times: readonly Date[]): Used {
  const [first] = group as [UsedPart, ...UsedPart[]];
  const sum = (field: 'messages' | 'segments', among?: readonly ChannelStatus[]) =>
    group.reduce((total, part) => total + (!among || among.includes(part.state) ? part[field] : 0), 0);
  const delivered = group.filter(({ bucket }) => bucket >= 0);
  return {
    from: times[first.place - 1] as Date,
    to: times[first.place] as Date,
    enterpriseSid: first.enterprise_sid ?? null,
    mappingSid: first.mapping_sid || null,
    direction: (first.direction as MessageDirection | undefined) ?? null,
    channelStatus: columns.includes('status' as keyof UsedPart) ? first.state : null,
    type: (first.type as MessageType | undefined) ?? null,
    messages: sum('messages'),
    segments: sum('segments'),
    delivered: sum('messages', ['DELIVERED', 'READ']),
    failed: sum('messages', ['FAILED', 'UNDELIVERED']),
    medianDeliveryTime: deliveryQuantile(delivered, 0.5),
    p95DeliveryTime: deliveryQuantile(delivered, 0.95),
  };
}
