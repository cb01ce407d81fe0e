import { invalidParameter } from '../input.ts';

export type UsageGranularity = 'HOUR' | 'DAY' | 'MONTH';

const QUARTER_MS = 15 * 60_000;
const HOUR_MS = 4 * QUARTER_MS;
const DAY_MS = 24 * HOUR_MS;

/** How many hours, days or months one answer may have. */
const MAX_BUCKETS = 10_000;

/**
 * Splits a time into hours, days or months of a time zone. They begin at quarters of an hour, as the offsets of all zones in use do.
 * @param from,to at quarters of an hour
 * @param timeZone of the IANA database
 * @returns the times at which they begin, from `from` on, and `to`
 * @throws InvalidInputError INVALID_PARAMETER for an unknown time zone, or more than MAX_BUCKETS
 */
export function bucketsOf(from: Date, to: Date, granularity: UsageGranularity, timeZone: string): Date[] {
  const offsetAt = offsetsOf(timeZone);
  const [start, end] = [from.getTime(), to.getTime()];
  // No hour is shorter than half of one, where clocks are put back by that.
  if ((end - start) / HOUR_MS > (granularity === 'HOUR' ? MAX_BUCKETS : MAX_BUCKETS * 24)) {
    throw invalidParameter(['granularity'], `gives more than ${MAX_BUCKETS} entries: choose a longer one, or less time`, granularity);
  }
  const times = [start];
  const add = (time: number) => {
    if (time > start && time < end && time > (times.at(-1) as number)) times.push(time);
  };
  let latest = localUnit(start + offsetAt(start), granularity);
  const visit = (time: number, offset: number, isPutBack: boolean) => {
    const unit = localUnit(time + offset, granularity);
    // An hour that comes again is another one; a day on which clocks are put back goes on.
    if (granularity === 'HOUR' ? unit !== latest || isPutBack : unit > latest) {
      add(time);
      latest = unit;
    }
  };
  for (let day = Math.floor(start / DAY_MS) * DAY_MS; day < end; day += DAY_MS) {
    const [before, after] = [offsetAt(day), offsetAt(day + DAY_MS)];
    if (before === after) {
      const step = granularity === 'HOUR' ? HOUR_MS : DAY_MS;
      const first = day + modulo(-(day + before), step);
      for (let time = first; time < day + DAY_MS; time += step) if (time > start) visit(time, before, false);
    } else {
      let last = before;
      for (let time = day; time < day + DAY_MS; time += QUARTER_MS) {
        const offset = offsetAt(time);
        if (time > start) visit(time, offset, offset !== last);
        last = offset;
      }
    }
  }
  return [...times, end].map((time) => new Date(time));
}

const modulo = (value: number, by: number) => ((value % by) + by) % by;

/** The number of a local hour, day or month; each is greater than those before. */
function localUnit(local: number, granularity: UsageGranularity): number {
  if (granularity !== 'MONTH') return Math.floor(local / (granularity === 'HOUR' ? HOUR_MS : DAY_MS));
  const date = new Date(local);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Returns a function that tells by how many ms a zone's clocks are ahead of UTC at a time. */
function offsetsOf(timeZone: string): (time: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', calendar: 'gregory', era: 'short', ...numeric });
  } catch {
    throw invalidParameter(['timeZone'], 'is not a time zone of the IANA database', timeZone);
  }
  return (time) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
    const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map((part) =>
      Number(parts[part]),
    );
    const local = Date.UTC(year as number, (month as number) - 1, day, hour, minute, second);
    const offset = local - Math.floor(time / 1000) * 1000;
    // Before zones were agreed on, clocks followed the sun.
    return Math.round(offset / QUARTER_MS) * QUARTER_MS;
  };
}

/** A part of a time whose rollups of one length have it all. */
interface Stretch {
  readonly length: 'day' | 'hour' | 'quarter';
  readonly from: number;
  to: number;
}

/** Covers buckets by the longest slots that lie within one of them. */
export function stretchesOf(times: readonly Date[]): Stretch[] {
  const stretches: Stretch[] = [];
  const add = (length: Stretch['length'], from: number, to: number) => {
    if (from >= to) return;
    const last = stretches.at(-1);
    if (last?.length === length && last.to === from) last.to = to;
    else stretches.push({ length, from, to });
  };
  const split = (from: number, to: number, lengths: readonly (readonly [Stretch['length'], number])[]) => {
    const [[length, ms] = ['quarter', QUARTER_MS] as const, ...shorter] = lengths;
    const [first, last] = [Math.ceil(from / ms) * ms, Math.floor(to / ms) * ms];
    if (first >= last) {
      if (shorter.length > 0) split(from, to, shorter);
      return;
    }
    split(from, first, shorter);
    add(length, first, last);
    split(last, to, shorter);
  };
  for (let at = 0; at + 1 < times.length; at++) {
    split((times[at] as Date).getTime(), (times[at + 1] as Date).getTime(), [
      ['day', DAY_MS],
      ['hour', HOUR_MS],
      ['quarter', QUARTER_MS],
    ]);
  }
  return stretches;
}

/** The beginning of the quarter of an hour that a time is in. */
export const quarterOf = (time: Date) => new Date(Math.floor(time.getTime() / QUARTER_MS) * QUARTER_MS);
/** The end of the quarter of an hour that a time is in; the time itself where one begins. */
export const quarterAfter = (time: Date) => new Date(Math.ceil(time.getTime() / QUARTER_MS) * QUARTER_MS);
