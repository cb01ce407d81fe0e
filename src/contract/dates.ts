/**
 * Dates in query parameters, by REST.md "Requests": UTC, inclusive, a date alone is its midnight. Understood offsets are `Z`,
 * `+0000`, `+00:00`, any other ISO offset, and each of them with its `+` arrived as a space; the recorded form
 * `2020-11-06 11:27:44.0` too, so that what an answer said can be asked for.
 */
const form = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+\- ])(\d\d):?(\d\d)?)?)?$/i;

const recorded = /^\S+ \S+\.0$/;

/** The range that both databases and the answers' four-digit years can hold. */
const earliest = Date.parse('0001-01-01T00:00:00.000Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Parses a date or date and time.
 *
 * @param bound Answers show whole seconds while rows keep milliseconds. A time given without a fraction therefore means its whole
 * second: as `start` its first millisecond, as `end` its last. So a row whose answer says 11:59:34 is found with
 * `endTime=…11:59:34`. The recorded form ends in `.0` whatever the milliseconds, and means the same. Any other fraction is taken as it is, cut to
 * milliseconds.
 * @returns the time in ISO 8601 with milliseconds, or undefined where the text is no date.
 */
export function parseDate(text: string, bound: 'start' | 'end'): string | undefined {
  const match = form.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hours = '00', minutes = '00', seconds = '00', fraction, sign, offsetHours = '00', offsetMinutes = '00'] =
    match;
  const isWhole = fraction === undefined || recorded.test(text);
  const milliseconds = isWhole ? (bound === 'end' ? '999' : '000') : fraction.padEnd(3, '0').slice(0, 3);
  const written = `${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${milliseconds}Z`;
  const local = new Date(written);
  // 30 February and 24:00 parse, as another time than the written one.
  if (Number.isNaN(local.getTime()) || local.toISOString() !== written) return undefined;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const instant = local.getTime() - offset;
  return instant >= earliest && instant <= latest ? new Date(instant).toISOString() : undefined;
}
