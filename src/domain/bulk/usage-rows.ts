import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { timesOf, type UsageQuery, type Used, usageWithin } from '../usage/usage.ts';
import { namesOf } from './export-rows.ts';
import type { FileRow } from './formats.ts';

export const USAGE_COLUMNS = [
  ...['period', 'from', 'to', 'enterpriseSid', 'enterpriseName', 'mappingSid', 'externalAddress', 'direction', 'type', 'channelStatus'],
  ...['messages', 'segments', 'delivered', 'failed', 'medianDeliveryTime', 'p95DeliveryTime'],
] as const;

/** How many rows are written at once. */
const ROWS = 1000;
/** How many rows several hours, days or months may have that are read at once. */
const MAX_AT_ONCE = 5 * ROWS;
/** How many rows a single hour, day or month may have. */
const MAX_ROWS = 1_000_000;

/** Reads usage, as many hours, days or months at once as have about ROWS rows. */
export async function* usageRows(gateway: Gateway, caller: Caller, query: UsageQuery): AsyncGenerator<FileRow[]> {
  const times = timesOf(query);
  const periodOf = periodsOf(query);
  for (let [at, count] = [0, 1]; at + 1 < times.length; ) {
    count = Math.min(count, times.length - 1 - at);
    const limit = count === 1 ? MAX_ROWS : MAX_AT_ONCE;
    const used = await usageWithin(gateway, caller, query, times.slice(at, at + count + 1), limit).catch((error: unknown) => {
      if (count === 1 || !(error instanceof SearchTooWideError)) throw error;
      return undefined;
    });
    if (!used) {
      // Many were read at once after a quiet time.
      count = Math.floor(count / 2);
      continue;
    }
    at += count;
    count = Math.max(1, Math.min(count * 2, Math.floor((count * ROWS) / Math.max(used.length, 1))));
    for (let row = 0; row === 0 || row < used.length; row += ROWS) {
      const some = used.slice(row, row + ROWS);
      const [names, numbers] = [await namesOf(gateway, caller, some), await numbersOf(gateway, caller, some)];
      yield some.map((one) => ({
        ...one,
        period: periodOf(one.from),
        enterpriseName: (one.enterpriseSid && names.get(one.enterpriseSid)) ?? null,
        externalAddress: (one.mappingSid && numbers.get(one.mappingSid)) ?? null,
      }));
    }
  }
}

/** Names the hour, day or month that begins at a time, as clocks of the time zone show it: `2026-11-01 14:00`, `2026-11-01` or `2026-11`. */
function periodsOf({ granularity, timeZone }: Pick<UsageQuery, 'granularity' | 'timeZone'>): (time: Date) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    ...{ timeZone: timeZone ?? 'UTC', calendar: 'gregory', dateStyle: 'short' },
    ...(granularity === 'HOUR' && { timeStyle: 'short' }),
  });
  return (time) => (granularity === 'MONTH' ? format.format(time).slice(0, 7) : format.format(time));
}

/** Reads the numbers of the mappings that still exist. */
async function numbersOf({ prisma }: Gateway, caller: Caller, used: readonly Used[]): Promise<Map<string, string>> {
  const sids = [...new Set(used.flatMap(({ mappingSid }) => mappingSid ?? []))];
  if (sids.length === 0) return new Map();
  const found = await prisma.mapping.findMany({
    where: { AND: [belonging(caller), { sid: { in: sids } }] },
    select: { sid: true, externalAddress: true },
  });
  return new Map(found.map(({ sid, externalAddress }) => [sid, externalAddress]));
}
