import type { Sql } from '../../database/sql.ts';
import { SearchTooWideError } from '../errors.ts';
import { coverOf, GRAINS, type SlotUse } from './usage-grains.ts';
import type { PackedKinds } from './usage-sums.ts';

interface SlotQuery {
  readonly organizationSid: string;
  /** Only of this enterprise, or this mapping. */
  readonly enterpriseSid: string | undefined;
  readonly mappingSid: string | undefined;
  /** Whether the rows are by enterprise, and by mapping. */
  readonly byEnterprise: boolean;
  readonly byMapping: boolean;
  /** When the hours, days or months begin, in ms, and the end. */
  readonly times: readonly number[];
  /** The most rows, and the most bytes of them. */
  readonly limit: number;
  readonly maxBytes: number;
}

/** How many messages of each kind there were in a slot. */
interface Slot {
  /** Their enterprise and mapping, if the rows are by these; '' otherwise, and for messages of no mapping. */
  readonly enterprise: string;
  readonly mapping: string;
  readonly packed: PackedKinds;
  readonly uses: readonly SlotUse[];
}

interface Row extends PackedKinds {
  /** CHANGED: a quarter of an hour of changes that are not added up yet. RUN: merged slots. */
  readonly grain: number;
  /** When the slot begins; for merged slots, the number of the run. */
  readonly seconds: number;
  /** The bytes of the rows up to this one. */
  readonly bytes: number;
  readonly enterprise: string;
  readonly mapping: string;
}

const CHANGED = 0;
const RUN = -1;
const SECONDS = 'extract(epoch FROM slot)::float8';

/**
 * Reads the slots from which usage is added up, and what changed since they were, in one snapshot.
 * @throws SearchTooWideError for more rows than the limit, or more bytes
 */
export async function readSlots(
  sql: Pick<Sql, 'query'>,
  { organizationSid, enterpriseSid, mappingSid, byEnterprise, byMapping, times, limit, maxBytes }: SlotQuery,
): Promise<Slot[]> {
  const isOfMappings = byMapping || mappingSid !== undefined;
  const isOfEnterprises = !isOfMappings && (byEnterprise || enterpriseSid !== undefined);
  const grains = isOfMappings ? GRAINS.mapping : isOfEnterprises ? GRAINS.enterprise : GRAINS.organization;
  // For many enterprises or mappings, merging saves most of the rows; for one, it costs more than it saves.
  const { ranges, runs, usesOf } = coverOf(times, grains, (byEnterprise && !enterpriseSid) || (byMapping && !mappingSid));

  const values: unknown[] = [organizationSid];
  const place = (value: unknown) => `$${values.push(value)}`;
  const bound = (time: number | undefined) => `${place(new Date(time ?? 0).toISOString())}::timestamptz`;
  const rangesOf = (some: typeof ranges) => {
    const begins = (side: 'from' | 'to') => `${place(some.map((range) => new Date(range[side]).toISOString()))}::timestamptz[]`;
    return `unnest(${place(some.map(({ grain }) => grain))}::smallint[], ${begins('from')}, ${begins('to')}) WITH ORDINALITY AS r (of, since, before, number)`;
  };
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
  const slotsOf = (some: typeof ranges) => `FROM ${rangesOf(some)} CROSS JOIN LATERAL (
       SELECT grain, ${SECONDS} AS seconds, ${columns}, kinds, messages, segments FROM usage_slot
       WHERE organization_sid = $1 AND grain = r.of AND slot >= since AND slot < before${and([...own, ...alike])} OFFSET 0
     ) AS used`;
  const joined = "string_agg(kinds, ','), string_agg(messages, ','), string_agg(segments, ',')";
  const merged = () =>
    `UNION ALL SELECT ${RUN}, number - 1, enterprise, mapping, ${joined} ${slotsOf(runs)} GROUP BY number, enterprise, mapping`;
  const rows = await sql.query<Row & Record<string, unknown>>(
    `SELECT * FROM (
       SELECT *, (sum(octet_length(kinds) + octet_length(messages) + octet_length(segments)) OVER (ROWS UNBOUNDED PRECEDING))::float8 AS bytes FROM (
         SELECT used.* ${slotsOf(ranges)}
         ${runs.length > 0 ? merged() : ''}
         UNION ALL
         SELECT ${CHANGED}, ${SECONDS}, enterprise, mapping, string_agg(kind::text, ','), string_agg(messages::text, ','), string_agg(segments::text, ',') FROM (
           SELECT slot, ${columns}, usage_kind(direction, type, status, bucket) AS kind, sum(messages) AS messages, sum(segments) AS segments
           FROM usage_change WHERE organization_sid = $1 AND slot >= ${bound(times[0])} AND slot < ${bound(times.at(-1))}${and(own)}
           GROUP BY 1, 2, 3, 4
         ) AS changed GROUP BY slot, enterprise, mapping LIMIT ${limit + 1}
       ) AS found
     ) AS sized WHERE bytes - octet_length(kinds) - octet_length(messages) - octet_length(segments) <= ${place(maxBytes)}`,
    values,
  );
  if (rows.length > limit || (rows.at(-1)?.bytes ?? 0) > maxBytes) throw new SearchTooWideError();
  const usesOfRow = ({ grain, seconds }: Row): readonly SlotUse[] => {
    if (grain === RUN) return runs[seconds]?.uses ?? [];
    const time = seconds * 1000;
    return grain === CHANGED ? [{ place: placeOf(time, times), sign: 1, from: 0, to: 1 }] : usesOf(grain, time);
  };
  return rows.map((row) => ({ enterprise: row.enterprise, mapping: row.mapping, packed: row, uses: usesOfRow(row) }));
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
