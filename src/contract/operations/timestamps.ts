import type { ContractSettings } from './settings.ts';

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The three forms of times in the vendor's recorded responses, all in UTC and whole seconds. */
export type TimestampForm = 'iso' | 'sql' | 'java';

/**
 * Returns the form of a response's times.
 * @param recorded the vendor's form in this kind of response (REST.md, Answers), used with `REST_TIMESTAMPS=recorded`
 */
export function timestampForm(settings: ContractSettings, recorded: TimestampForm): TimestampForm {
  return settings.restTimestamps === 'recorded' ? recorded : 'iso';
}

/** @param time the graph's DateTime: ISO 8601 in UTC, with milliseconds */
export function timestamp(time: string, form: TimestampForm): string {
  const day = time.slice(0, 10);
  const clock = time.slice(11, 19);
  switch (form) {
    case 'iso':
      return `${day}T${clock}+0000`;
    case 'sql':
      return `${day} ${clock}.0`;
    case 'java': {
      const date = new Date(time);
      return `${WEEKDAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${time.slice(8, 10)} ${clock} UTC ${time.slice(0, 4)}`;
    }
  }
}

/** Regular expressions of the forms, for OpenAPI. */
export const timestampPatterns: Readonly<Record<TimestampForm, string>> = {
  iso: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\+0000$',
  sql: '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.0$',
  java: '^(Sun|Mon|Tue|Wed|Thu|Fri|Sat) [A-Z][a-z]{2} \\d\\d \\d\\d:\\d\\d:\\d\\d UTC \\d{4}$',
};
