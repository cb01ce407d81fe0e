import type { Sql } from '../../database/sql.ts';
import { SearchTooWideError } from '../errors.ts';
import { coverOf, GRAINS, type SlotUse } from './usage-grains.ts';
import type { PackedKinds } from './usage-sums.ts';

interface SlotQuery {
  readonly organizationSid: string;
  /** Only of this enterprise, or this mapping. */
  readonly enterpriseSid: string | undefined;
  readonly mappingSid: string | undefined;
  /** Whether enterprises, and mappings, are told apart. */
  readonly byEnterprise: boolean;
  readonly byMapping: boolean;
  /** When the hours, days or months begin, in ms, and the end. */
  readonly times: readonly number[];
  readonly limit: number;
}

/** How many messages of each kind there were in a slot. */
interface Slot {
  /** Their enterprise and mapping, if they are told apart; '' otherwise, and for messages of no mapping. */
  readonly enterprise: string;
  readonly mapping: string;
  readonly packed: PackedKinds;
  readonly uses: readonly SlotUse[];
}

interface Row extends PackedKinds {
  /** 0: a quarter of an hour of what has not been added up yet. */
  readonly grain: number;
  readonly seconds: number;
  readonly enterprise: string;
  readonly mapping: string;
}

const SECONDS = 'extract(epoch FROM slot)::float8';

/**
 * Reads the slots from which usage is added up, and what changed since they were, in one snapshot.
 * @throws SearchTooWideError for more rows than the limit
 */
export async function readSlots(
  sql: Pick<Sql, 'query'>,
  { organizationSid, enterpriseSid, mappingSid, byEnterprise, byMapping, times, limit }: SlotQuery,
): Promise<Slot[]> {
  const isOfMappings = byMapping || mappingSid !== undefined;
  const isOfEnterprises = !isOfMappings && (byEnterprise || enterpriseSid !== undefined);
  const { ranges, usesOf } = coverOf(times, isOfMappings ? GRAINS.mapping : isOfEnterprises ? GRAINS.enterprise : GRAINS.organization);

  const values: unknown[] = [organizationSid];
  const place = (value: unknown) => `$${values.push(value)}`;
  const bound = (time: number | undefined) => `${place(new Date(time ?? 0).toISOString())}::timestamptz`;
  const rangeOf = (side: 'from' | 'to') => `${place(ranges.map((range) => new Date(range[side]).toISOString()))}::timestamptz[]`;
  const own = [
    ...(enterpriseSid ? [`enterprise_sid = ${place(enterpriseSid)}`] : []),
    ...(mappingSid ? [`mapping_sid = ${place(mappingSid)}`] : []),
  ];
  // What else the rows of a grain have in common, so that the primary key leads to them.
  const isOfAll = !isOfMappings && !isOfEnterprises;
  const alike = [
    ...(isOfAll || (isOfEnterprises && enterpriseSid) ? ["mapping_sid = ''"] : []),
    ...(isOfAll ? ["enterprise_sid = ''"] : []),
  ];
  const and = (conditions: readonly string[]) => conditions.map((condition) => ` AND ${condition}`).join('');
  const columns = `${byEnterprise ? 'enterprise_sid' : "''"} AS enterprise, ${byMapping ? 'mapping_sid' : "''"} AS mapping`;
  // For each range by itself, along an index: joined, all slots could be read for each.
  const rows = await sql.query<Row & Record<string, unknown>>(
    `SELECT used.* FROM unnest(${place(ranges.map(({ grain }) => grain))}::smallint[], ${rangeOf('from')}, ${rangeOf('to')}) AS r (of, since, before)
     CROSS JOIN LATERAL (
       SELECT grain, ${SECONDS} AS seconds, ${columns}, kinds, messages, segments FROM usage_slot
       WHERE organization_sid = $1 AND grain = r.of AND slot >= since AND slot < before${and([...own, ...alike])} OFFSET 0
     ) AS used
     UNION ALL
     SELECT 0, ${SECONDS}, enterprise, mapping, string_agg(kind::text, ','), string_agg(messages::text, ','), string_agg(segments::text, ',') FROM (
       SELECT slot, ${columns}, usage_kind(direction, type, status, bucket) AS kind, sum(messages) AS messages, sum(segments) AS segments
       FROM usage_change WHERE organization_sid = $1 AND slot >= ${bound(times[0])} AND slot < ${bound(times.at(-1))}${and(own)}
       GROUP BY 1, 2, 3, 4
     ) AS changed GROUP BY slot, enterprise, mapping LIMIT ${limit + 1}`,
    values,
  );
  if (rows.length > limit) throw new SearchTooWideError();
  return rows.map((packed) => {
    const time = packed.seconds * 1000;
    const uses = packed.grain === 0 ? [{ place: placeOf(time, times), sign: 1 as const, from: 0, to: 1 }] : usesOf(packed.grain, time);
    return { enterprise: packed.enterprise, mapping: packed.mapping, packed, uses };
  });
}

/** The number of the hour, day or month that a time is in. */
function placeOf(time: number, begins: readonly number[]): number {
  let [low, high] = [0, begins.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((begins[middle] as number) <= time) low = middle;
    else high = middle;
  }
  return low;
}
