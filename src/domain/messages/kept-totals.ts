import type { Total } from '../../database/lists/bounds.ts';
import type { Sql } from '../../database/sql.ts';
import type { Caller } from '../caller.ts';
import { GRAINS } from '../usage/usage-grains.ts';
import { KIND_BITS, numberOf, type UsageKind } from '../usage/usage-kinds.ts';
import { normalizeSid } from '../values/sid.ts';
import type { MessageFilter } from './message-filter.ts';

// Totals beyond the bound of counting, from the numbers that usage keeps by day: how many messages there are of each enterprise, mapping, direction, type
// and status (docs/adr/0021-bounded-lists.md).

const FIELDS = new Set(['enterpriseSid', 'mappingSid', 'direction', 'type', 'statuses', 'createdFrom', 'createdTo']);

/** A list within each of these enterprises or mappings. */
interface Parents {
  readonly field: 'enterpriseSid' | 'mappingSid';
  readonly sids: readonly string[];
}

/**
 * Counts messages by what is kept of them.
 * @param countEnds counts the messages of this creation time, for the parts of days at both ends of the filter's
 * @returns the total of the list, or of each parent's; `undefined` where it is not known: the filter has more than is kept, messages were deleted, whose
 *   numbers stay in usage, or those of before usage are not counted yet
 */
export async function keptTotals(
  sql: Sql,
  caller: Caller,
  filter: MessageFilter,
  countEnds: (range: Pick<MessageFilter, 'createdFrom' | 'createdTo'>) => Promise<readonly Total[]>,
  parents?: Parents,
): Promise<number[] | undefined> {
  const isGiven = ([, value]: [string, unknown]) => value != null && value !== '';
  if (Object.entries(filter).some((entry) => isGiven(entry) && !FIELDS.has(entry[0]))) return undefined;
  const { days, ends } = daysOf(filter);
  if (!days) return undefined;
  const whole = await sumsOf(sql, caller, filter, days, parents);
  if (!whole) return undefined;
  const parts = await Promise.all(ends.map(countEnds));
  if (parts.flat().some(({ isExact }) => !isExact)) return undefined;
  return whole.map((sum, at) => parts.reduce((total, part) => total + (part[at] as Total).count, sum));
}

const DAY_MS = 24 * 60 * 60 * 1000;

interface Days {
  readonly since?: Date;
  readonly before?: Date;
}

/** Splits a creation time, whose bounds are inclusive, into whole days (UTC) and the parts of days before and after them. No day, if none is whole. */
function daysOf({ createdFrom, createdTo }: MessageFilter): { days?: Days; ends: Pick<MessageFilter, 'createdFrom' | 'createdTo'>[] } {
  const since = createdFrom ? new Date(Math.ceil(createdFrom.getTime() / DAY_MS) * DAY_MS) : undefined;
  const before = createdTo ? new Date(Math.floor((createdTo.getTime() + 1) / DAY_MS) * DAY_MS) : undefined;
  if (since && before && since >= before) return { ends: [] };
  const ends = [
    ...(createdFrom && since && since > createdFrom ? [{ createdFrom, createdTo: new Date(since.getTime() - 1) }] : []),
    ...(createdTo && before && before <= createdTo ? [{ createdFrom: before, createdTo }] : []),
  ];
  return { days: { since, before }, ends };
}

const FIRST: UsageKind = { direction: 'INBOUND', type: 'SMS', status: 'QUEUED', bucket: -1 };
/** How many messages of each kind the slots of usage have. */
const SLOTS = `usage_slot CROSS JOIN LATERAL
  unnest(string_to_array(kinds, ',')::integer[], string_to_array(messages, ',')::integer[]) AS k (kind, count)`;

/** @returns `undefined` unless usage has exactly the organization's messages */
async function sumsOf(
  sql: Sql,
  caller: Caller,
  filter: MessageFilter,
  { since, before }: Days,
  parents?: Parents,
): Promise<number[] | undefined> {
  const values: unknown[] = [caller.organizationSid];
  const place = (value: unknown) => `$${values.push(value)}`;
  const conditions: string[] = [];
  const add = (column: string, value: string | null | undefined) => {
    if (value) conditions.push(`${column} = ${place(value)}`);
  };
  add('enterprise_sid', caller.enterpriseSid);
  add('enterprise_sid', filter.enterpriseSid && normalizeSid(filter.enterpriseSid));
  add('mapping_sid', filter.mappingSid && normalizeSid(filter.mappingSid));
  const bitsOf = (kind: Partial<typeof FIRST>) => numberOf({ ...FIRST, ...kind });
  if (filter.direction) conditions.push(`(kind & ${KIND_BITS.DIRECTION}) = ${bitsOf({ direction: filter.direction })}`);
  if (filter.type) conditions.push(`(kind & ${KIND_BITS.TYPE}) = ${bitsOf({ type: filter.type })}`);
  if (filter.statuses) {
    conditions.push(`(kind & ${KIND_BITS.STATUS}) = ANY (${place(filter.statuses.map((status) => bitsOf({ status })))}::integer[])`);
  }
  if (since) conditions.push(`slot >= ${place(since.toISOString())}`);
  if (before) conditions.push(`slot < ${place(before.toISOString())}`);
  const isOf = (field: Parents['field']) => parents?.field === field || filter[field];
  const kind = isOf('mappingSid') ? 'mapping' : isOf('enterpriseSid') || caller.enterpriseSid ? 'enterprise' : 'organization';
  const rolledUp = { mapping: '', enterprise: " AND mapping_sid = ''", organization: " AND mapping_sid = '' AND enterprise_sid = ''" };
  const within = parents ? `${parents.field === 'mappingSid' ? 'mapping_sid' : 'enterprise_sid'} = parent.sid` : 'true';
  const matching = [within, ...conditions].join(' AND ');
  const sum = (from: string, where: string) => `(SELECT coalesce(sum(count), 0) FROM ${from} WHERE ${where})`;
  const grain = (of: keyof typeof GRAINS, length: 'month' | 'day') => {
    const { whole, quarters } = GRAINS[of];
    const own = [...whole, quarters].find((each) => each.length === length);
    return `organization_sid = $1 AND grain = ${own?.grain}${rolledUp[of]}`;
  };
  // An erased message no longer has its mapping, and stays counted with it.
  const hasMappings = kind === 'mapping' ? ' AND NOT EXISTS (SELECT FROM person_erasure WHERE organization_sid = $1)' : '';
  // One statement, so that all numbers are of one moment.
  const [row] = await sql.query<{ isWhole: boolean; sums: string[] }>(
    `WITH changes AS MATERIALIZED (
       SELECT *, usage_kind(direction, type, status, bucket) AS kind, messages AS count FROM usage_change WHERE organization_sid = $1
     )
     SELECT (SELECT messages FROM message_count WHERE organization_sid = $1)
         = ${sum(SLOTS, grain('organization', 'month'))} + ${sum('changes', 'true')}${hasMappings} AS "isWhole",
       ARRAY(SELECT (${sum(SLOTS, `${grain(kind, since || before ? 'day' : 'month')} AND ${matching}`)} + ${sum('changes', matching)})::bigint
         FROM unnest(${place(parents?.sids ?? [''])}::text[]) WITH ORDINALITY AS parent (sid, place) ORDER BY parent.place) AS sums`,
    values,
  );
  return row?.isWhole ? row.sums.map(Number) : undefined;
}
