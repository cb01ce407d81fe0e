import type { Settings } from './settings.ts';

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The three forms in which the vendor's recorded answers write a time; all UTC, all whole seconds. */
export type TimestampForm = 'iso' | 'sql' | 'java';

/**
 * What an answer's times are written in: `iso` unless the gateway is set to the recorded forms and this answer has one of its own.
 *
 * @param recorded how the vendor wrote the times of this kind of answer, by REST.md "Answers"
 */
export function timestampForm(settings: Settings, recorded: TimestampForm): TimestampForm {
  return settings.restTimestamps === 'recorded' ? recorded : 'iso';
}

/** Writes the graph's DateTime (ISO 8601 in UTC, with milliseconds) in a form of the contract. */
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
      return `${weekdays[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${time.slice(8, 10)} ${clock} UTC ${time.slice(0, 4)}`;
    }
  }
}

/** Regular expressions for OpenAPI. */
export const timestampPatterns: Readonly<Record<TimestampForm, string>> = {
  iso: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\+0000$',
  sql: '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.0$',
  java: '^(Sun|Mon|Tue|Wed|Thu|Fri|Sat) [A-Z][a-z]{2} \\d\\d \\d\\d:\\d\\d:\\d\\d UTC \\d{4}$',
};
