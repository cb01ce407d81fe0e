/**
 * A date, or a date and time with an optional offset, in a query parameter (REST.md, Requests). In an offset, a `+` may have arrived as a space. The
 * recorded form `2020-11-06 11:27:44.0` is accepted, so that clients can send back a time from a response.
 */
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+\- ])(\d\d):?(\d\d)?)?)?$/i;

/** A time in the recorded form: its fraction is always `.0`. */
const RECORDED = /^\S+ \S+\.0$/;

/** The range that both databases can store, and responses can write with four-digit years. */
const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Parses a date, or a date and time. Responses show whole seconds, and rows have milliseconds: a time without a fraction, or in the recorded form,
 * means the whole second, so that `endTime=…11:59:34` includes a row whose response says 11:59:34. Any other fraction is truncated to milliseconds.
 * @param bound whether a whole second means its first or its last millisecond
 * @returns the time in ISO 8601, in UTC with milliseconds; `undefined` if the text is not a date
 */
export function parseDate(text: string, bound: 'start' | 'end'): string | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hours = '00', minutes = '00', seconds = '00', fraction, sign, offsetHours = '00', offsetMinutes = '00'] =
    match;
  const isWhole = fraction === undefined || RECORDED.test(text);
  const milliseconds = isWhole ? (bound === 'end' ? '999' : '000') : fraction.padEnd(3, '0').slice(0, 3);
  const localText = `${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${milliseconds}Z`;
  const local = new Date(localText);
  // 30 February and 24:00 are parsed as another time.
  if (Number.isNaN(local.getTime()) || local.toISOString() !== localText) return undefined;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const instant = local.getTime() - offset;
  return instant >= EARLIEST && instant <= LATEST ? new Date(instant).toISOString() : undefined;
}
