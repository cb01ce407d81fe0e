import { useSpeech } from './words.tsx';

/** By language. Making one takes longer than all else that a row of a table shows. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(language: string): Intl.DateTimeFormat {
  const format = formats.get(language) ?? new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  formats.set(language, format);
  return format;
}

/** Formats a duration: in seconds, or in minutes from two minutes on. The units are the same in all languages of the console. */
export function durationOf(ms: number | null | undefined, language: string): string {
  if (ms == null) return '–';
  const [number, unit] = ms < 120_000 ? [ms / 1000, 's'] : [ms / 60_000, 'min'];
  return `${number.toLocaleString(language, { maximumFractionDigits: 1 })} ${unit}`;
}

/** A date as an input has it, in the reader's zone. */
export const dayOf = (date: Date): string =>
  [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-');

/** A time in UTC, which shows when it is pointed at. */
export const utcOf = (date: Date): string =>
  date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

/** A time in the reader's zone; in UTC when it is pointed at. */
export function Time({ value }: { readonly value: string }) {
  const { language } = useSpeech();
  const date = new Date(value);
  return (
    <time dateTime={value} title={utcOf(date)}>
      {/* A line breaks only between the day and the time. */}
      {formatOf(language)
        .format(date)
        .replaceAll(/\s(?!\d+:)/g, '\u00a0')}
    </time>
  );
}
