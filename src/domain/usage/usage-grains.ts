import { DAY_MS, HOUR_MS, QUARTER_MS } from './usage-buckets.ts';

// Usage is kept in slots of UTC, from months to quarters of an hour. What was used between any two times is added up from few of them, and what is too
// much is taken off again: a month of another time zone is that of UTC, with some hours more at one end and less at the other.

/** A grain of usage: all of an organization's messages, in slots of one length, by one of the three below. */
interface Grain {
  readonly grain: number;
  /** Hours may begin at half past or a quarter past, as in some time zones. */
  readonly length: 'month' | 'day' | 'hour' | 'halfPast' | 'quarterPast' | 'quarter';
}

interface Grains {
  /** Those whose slots do not tell quarters of an hour apart, the longest first. */
  readonly whole: readonly Grain[];
  /** The hours of such zones, which the database's trigger usage_quarters_changed computes from quarters of an hour. */
  readonly zones?: readonly Grain[];
  /** The one whose slots do. */
  readonly quarters: Grain;
}

/** The grains of usage, by what they tell apart. Those of mappings have the enterprises, too. */
export const GRAINS = {
  organization: {
    whole: [
      { grain: 1, length: 'month' },
      { grain: 2, length: 'day' },
      { grain: 3, length: 'hour' },
    ],
    zones: [
      { grain: 10, length: 'halfPast' },
      { grain: 11, length: 'quarterPast' },
    ],
    quarters: { grain: 4, length: 'quarter' },
  },
  enterprise: {
    whole: [
      { grain: 5, length: 'month' },
      { grain: 6, length: 'day' },
    ],
    quarters: { grain: 7, length: 'hour' },
  },
  mapping: { whole: [{ grain: 8, length: 'month' }], quarters: { grain: 9, length: 'day' } },
} as const satisfies Record<string, Grains>;

/** What a slot, or some quarters of an hour of it, is added to. */
export interface SlotUse {
  /** The number of the hour, day or month that was asked for. */
  readonly place: number;
  readonly sign: 1 | -1;
  /** The quarters of an hour within the slot, the end exclusive. */
  readonly from: number;
  readonly to: number;
}

/** Slots that follow one another. */
interface SlotRange {
  readonly grain: number;
  readonly from: number;
  to: number;
}

/** Consecutive slots that are all added to the same sum. */
interface SlotRun extends SlotRange {
  slots: number;
  readonly uses: readonly SlotUse[];
}

interface Cover {
  readonly ranges: readonly SlotRange[];
  /** Slots that PostgreSQL merges as it reads them. */
  readonly runs: readonly SlotRun[];
  /** What the slot of a grain at a time is added to. */
  readonly usesOf: (grain: number, slot: number) => readonly SlotUse[];
}

/**
 * Finds the slots that add up to hours, days or months.
 * @param times when they begin, in ms, and the end
 * @param isMerged whether slots that are all added to the same sum form runs
 */
export function coverOf(times: readonly number[], { whole, zones = [], quarters }: Grains, isMerged: boolean): Cover {
  const grains = [...whole, ...zones, quarters];
  const uses = new Map<number, Map<number, SlotUse[]>>(grains.map(({ grain }) => [grain, new Map()]));
  const use = (grain: number, slot: number, one: SlotUse) => {
    const ofGrain = uses.get(grain) as Map<number, SlotUse[]>;
    const ofSlot = ofGrain.get(slot);
    if (ofSlot) ofSlot.push(one);
    else ofGrain.set(slot, [one]);
  };
  const add = (place: number, from: number, to: number, sign: 1 | -1, level: number): void => {
    if (from >= to) return;
    const usual = whole[level];
    if (!usual) {
      const { grain, length } = quarters;
      for (let slot = LENGTHS[length].begin(from); slot < to; slot = LENGTHS[length].next(slot)) {
        const end = Math.min(to, LENGTHS[length].next(slot));
        use(grain, slot, { place, sign, from: (Math.max(from, slot) - slot) / QUARTER_MS, to: (end - slot) / QUARTER_MS });
      }
      return;
    }
    const own = (usual.length === 'hour' && zones.find(({ length }) => LENGTHS[length].begin(from) === from)) || usual;
    const [first, last] = [nearest(own.length, from), nearest(own.length, to)];
    // As far apart, too: the ends of a day are those of its neighbours, which need them as well.
    const isShorter = first < last && Math.abs(from - first) + Math.abs(to - last) <= to - from;
    if (!isShorter) {
      add(place, from, to, sign, level + 1);
      return;
    }
    const opposite = sign === 1 ? -1 : 1;
    add(place, from, first, sign, level + 1);
    add(place, first, from, opposite, level + 1);
    for (let slot = first; slot < last; slot = LENGTHS[own.length].next(slot)) use(own.grain, slot, { place, sign, from: 0, to: ALL });
    add(place, last, to, sign, level + 1);
    add(place, to, last, opposite, level + 1);
  };
  for (let place = 0; place + 1 < times.length; place++) add(place, times[place] as number, times[place + 1] as number, 1, 0);
  const all = grains.flatMap((grain) => runsOf(grain, uses.get(grain.grain) as Map<number, SlotUse[]>));
  const isRun = ({ slots }: SlotRun) => isMerged && slots > 1;
  return {
    ranges: rangesOf(all.filter((run) => !isRun(run))),
    runs: all.filter(isRun),
    usesOf: (grain, slot) => uses.get(grain)?.get(slot) ?? [],
  };
}

/** More quarters of an hour than any slot has. */
const ALL = 32 * 96;

const fixed = (ms: number, past = 0) => ({
  begin: (time: number) => Math.floor((time - past) / ms) * ms + past,
  next: (slot: number) => slot + ms,
});
const month = (time: number, plus: number) => {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + plus);
};

/** By length, when the slot begins in which a time is, and when the one after a slot does. */
const LENGTHS = {
  month: { begin: (time: number) => month(time, 0), next: (slot: number) => month(slot, 1) },
  day: fixed(DAY_MS),
  hour: fixed(HOUR_MS),
  halfPast: fixed(HOUR_MS, 2 * QUARTER_MS),
  quarterPast: fixed(HOUR_MS, QUARTER_MS),
  quarter: fixed(QUARTER_MS),
} as const;

function nearest(length: Grain['length'], time: number): number {
  const begin = LENGTHS[length].begin(time);
  if (begin === time) return time;
  const next = LENGTHS[length].next(begin);
  return time - begin <= next - time ? begin : next;
}

function runsOf({ grain, length }: Grain, uses: ReadonlyMap<number, readonly SlotUse[]>): SlotRun[] {
  const runs: SlotRun[] = [];
  for (const [slot, own] of [...uses].sort(([one], [other]) => one - other)) {
    const last = runs.at(-1);
    const to = LENGTHS[length].next(slot);
    if (last?.to === slot && areAlike(last.uses, own)) {
      last.to = to;
      last.slots += 1;
    } else runs.push({ grain, from: slot, to, slots: 1, uses: own });
  }
  return runs;
}

const areAlike = (some: readonly SlotUse[], others: readonly SlotUse[]) =>
  some.length === others.length &&
  some.every(({ place, sign, from, to }, at) => {
    const other = others[at];
    return place === other?.place && sign === other.sign && from === other.from && to === other.to;
  });

/** Joins consecutive slots of a grain. */
function rangesOf(runs: readonly SlotRun[]): SlotRange[] {
  const ranges: SlotRange[] = [];
  for (const { grain, from, to } of runs) {
    const last = ranges.at(-1);
    if (last?.grain === grain && last.to === from) last.to = to;
    else ranges.push({ grain, from, to });
  }
  return ranges;
}
