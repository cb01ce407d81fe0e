import { invalidParameter } from '../input.ts';

export type UsageGranularity = 'HOUR' | 'DAY' | 'MONTH';

export const QUARTER_MS = 15 * 60_000;
export const HOUR_MS = 4 * QUARTER_MS;
export const DAY_MS = 24 * HOUR_MS;

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
  const firstDay = Math.floor(start / DAY_MS) * DAY_MS;
  for (let [day, before, after] = [firstDay, 0, offsetAt(firstDay)]; day < end; day += DAY_MS) {
    [before, after] = [after, offsetAt(day + DAY_MS)];
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

/** The beginning of the quarter of an hour that a time is in. */
export const quarterOf = (time: Date) => new Date(Math.floor(time.getTime() / QUARTER_MS) * QUARTER_MS);
/** The end of the quarter of an hour that a time is in; the time itself where one begins. */
export const quarterAfter = (time: Date) => new Date(Math.ceil(time.getTime() / QUARTER_MS) * QUARTER_MS);
