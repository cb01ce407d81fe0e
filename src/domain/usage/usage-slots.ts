import type { Sql } from '../../database/sql.ts';
import { SearchTooWideError } from '../errors.ts';
import { QUARTER_MS } from './usage-buckets.ts';
import { coverOf, GRAINS, type SlotUse } from './usage-grains.ts';

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
  /** Their kinds, messages and segments, for UsageSums. */
  readonly packed: string;
  readonly uses: readonly SlotUse[];
}

/** Of few columns: a row has few messages, and each column of many rows counts. */
interface Row {
  /** The quarter of an hour at which the slot begins, or the number of the run, times GRAIN_NUMBERS, and the grain. */
  readonly number: number;
  readonly enterprise?: string;
  readonly mapping?: string;
  readonly packed: string;
}

const GRAIN_NUMBERS = 16;
/** In place of a grain: a quarter of an hour of changes that are not added up yet. */
const CHANGED = 0;
/** In place of a grain: merged slots. */
const RUN = 15;
const numbered = (grain: string | number) => `date_part('epoch', slot) / ${QUARTER_MS / 1000} * ${GRAIN_NUMBERS} + ${grain}`;
/** The lists of a slot, or of one kind of it, as one text. */
const PACKED = "kinds || ' ' || messages || ' ' || segments";
/** Those of several slots. */
const MERGED = `string_agg(${PACKED}, ' ')`;

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
  const by = [...(byEnterprise ? ['enterprise'] : []), ...(byMapping ? ['mapping'] : [])];
  const names = by.map((name) => `, ${name}`).join('');
  const columns = by.map((name) => `, ${name}_sid AS ${name}`).join('');
  // For each range by itself, along an index: joined, all slots could be read for each.
  const slotsOf = (some: typeof ranges, read: string) => `FROM ${rangesOf(some)} CROSS JOIN LATERAL (
       SELECT ${read}${columns} FROM usage_slot
       WHERE organization_sid = $1 AND grain = r.of AND slot >= since AND slot < before${and([...own, ...alike])} OFFSET 0
     ) AS used`;
  const merged = () => `UNION ALL SELECT (number - 1) * ${GRAIN_NUMBERS} + ${RUN}, ${MERGED}${names}
     ${slotsOf(runs, 'kinds, messages, segments')} GROUP BY number${names}`;
  const rows = await sql.query<Row & Record<string, unknown>>(
    `SELECT number, packed${names} FROM (
       SELECT *, sum(octet_length(packed)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM (
         SELECT used.* ${slotsOf(ranges, `${numbered('grain')} AS number, ${PACKED} AS packed`)}
         ${runs.length > 0 ? merged() : ''}
         UNION ALL
         SELECT ${numbered(CHANGED)}, ${MERGED}${names} FROM (
           SELECT slot${columns}, usage_kind(direction, type, status, bucket) AS kinds, sum(messages) AS messages, sum(segments) AS segments
           FROM usage_change WHERE organization_sid = $1 AND slot >= ${bound(times[0])} AND slot < ${bound(times.at(-1))}${and(own)}
           GROUP BY slot, kinds${names}
         ) AS changed GROUP BY slot${names} LIMIT ${limit + 1}
       ) AS found
     ) AS sized WHERE bytes - octet_length(packed) <= ${place(maxBytes)}`,
    values,
  );
  // Those that had already passed the bytes are not sent.
  if (rows.length > limit || rows.reduce((bytes, row) => bytes + row.packed.length, 0) > maxBytes) throw new SearchTooWideError();
  const usesOfRow = ({ number }: Row): readonly SlotUse[] => {
    const quarter = Math.floor(number / GRAIN_NUMBERS);
    const grain = number - quarter * GRAIN_NUMBERS;
    if (grain === RUN) return runs[quarter]?.uses ?? [];
    const time = quarter * QUARTER_MS;
    return grain === CHANGED ? [{ place: placeOf(time, times), sign: 1, from: 0, to: 1 }] : usesOf(grain, time);
  };
  return rows.map((row) => ({ enterprise: row.enterprise ?? '', mapping: row.mapping ?? '', packed: row.packed, uses: usesOfRow(row) }));
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
