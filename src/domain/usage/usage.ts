import type { ChannelStatus, MessageDirection, MessageType } from '../../../prisma/client/client.ts';
import { listsOf } from '../../database/lists/reads.ts';
import type { Caller } from '../caller.ts';
import { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { normalizeSid } from '../values/sid.ts';
import { deliveryQuantile } from './delivery-times.ts';
import { bucketsOf, quarterAfter, quarterOf, type UsageGranularity } from './usage-buckets.ts';
import { KIND_BITS, kindOf, kindsWhere } from './usage-kinds.ts';
import { readSlots } from './usage-slots.ts';
import { type UsageSum, UsageSums } from './usage-sums.ts';

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
  readonly messages: number;
  readonly segments: number;
  readonly delivered: number;
  readonly failed: number;
  readonly medianDeliveryTime: number | null;
  readonly p95DeliveryTime: number | null;
}

/** How many entries an answer has at most. */
const MAX_ENTRIES = 10_000;

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
  const groupBy = [...new Set(given ?? [])];
  const enterpriseSid = filter?.enterpriseSid ? normalizeSid(filter.enterpriseSid) : caller.enterpriseSid;
  if (caller.enterpriseSid && enterpriseSid !== caller.enterpriseSid) return [];
  const rows = await readSlots(listsOf(sql), {
    organizationSid: caller.organizationSid,
    enterpriseSid,
    mappingSid: filter?.mappingSid ? normalizeSid(filter.mappingSid) : undefined,
    byEnterprise: groupBy.includes('ENTERPRISE'),
    byMapping: groupBy.includes('MAPPING'),
    times: times.map((time) => time.getTime()),
    limit: limit * ROWS_PER_ENTRY,
    maxBytes: limit * BYTES_PER_ENTRY,
  });
  const wanted = kindsWhere(
    ({ direction, type, status }) =>
      (!filter?.direction || direction === filter.direction) &&
      (!filter?.type || type === filter.type) &&
      (!filter?.statuses || filter.statuses.includes(status)),
  );
  const shown = { direction: groupBy.includes('DIRECTION'), status: groupBy.includes('STATUS'), type: groupBy.includes('TYPE') };
  const bits = groupBy.reduce((all, dimension) => all | (dimension in KIND_BITS ? KIND_BITS[dimension as keyof typeof KIND_BITS] : 0), 0);
  const groups = new Map<string, Omit<Placed, 'sum'> & { readonly sums: UsageSums }>();
  let sums = 0;
  for (const { enterprise, mapping, packed, uses } of rows) {
    const key = enterprise + mapping;
    let group = groups.get(key);
    if (!group) {
      group = { enterpriseSid: enterprise || null, mappingSid: mapping || null, sums: new UsageSums(wanted, bits) };
      groups.set(key, group);
    }
    sums += group.sums.add(packed, uses);
    // A row can have hundreds: what is refused in the end must not fill the memory before.
    if (sums > limit * SUMS_PER_ENTRY) throw new SearchTooWideError();
  }
  const used: Placed[] = [];
  for (const { sums, ...sids } of groups.values()) for (const sum of sums.sums()) used.push({ sum, ...sids });
  if (used.length > limit) throw new SearchTooWideError();
  return used.sort(inOrderOf(groupBy)).map(({ sum, enterpriseSid, mappingSid }) => {
    const { direction, type, status } = kindOf(sum.kind);
    return {
      from: times[sum.place] as Date,
      to: times[sum.place + 1] as Date,
      enterpriseSid,
      mappingSid,
      direction: shown.direction ? direction : null,
      channelStatus: shown.status ? status : null,
      type: shown.type ? type : null,
      messages: sum.messages,
      segments: sum.segments,
      delivered: sum.delivered,
      failed: sum.failed,
      medianDeliveryTime: deliveryQuantile(sum.times, 0.5),
      p95DeliveryTime: deliveryQuantile(sum.times, 0.95),
    };
  });
}

/** What was used by a group. */
interface Placed {
  readonly enterpriseSid: string | null;
  readonly mappingSid: string | null;
  readonly sum: UsageSum;
}

/** How many rows an entry has on average at most. */
const ROWS_PER_ENTRY = 10;
/** The most bytes of rows that an entry may have on average. A row of all kinds has 6,000. */
const BYTES_PER_ENTRY = 8 * 1024;
/** How many sums there are for an entry at most, with those in which all messages have become others, e.g. `SENT` ones `DELIVERED`. */
const SUMS_PER_ENTRY = 10;
const RANKS = {
  ENTERPRISE: ({ enterpriseSid }: Placed) => enterpriseSid ?? '',
  MAPPING: ({ mappingSid }: Placed) => mappingSid ?? '',
  DIRECTION: ({ sum }: Placed) => sum.kind & KIND_BITS.DIRECTION,
  STATUS: ({ sum }: Placed) => sum.kind & KIND_BITS.STATUS,
  TYPE: ({ sum }: Placed) => sum.kind & KIND_BITS.TYPE,
} as const;

/** By time, and then by what is grouped by, in its order. */
function inOrderOf(groupBy: readonly UsageDimension[]) {
  const ranks = groupBy.map((dimension) => RANKS[dimension]);
  return (one: Placed, other: Placed): number => {
    if (one.sum.place !== other.sum.place) return one.sum.place - other.sum.place;
    for (const rank of ranks) {
      const [mine, theirs] = [rank(one), rank(other)];
      if (mine !== theirs) return mine < theirs ? -1 : 1;
    }
    return 0;
  };
}
