import { useSpeech } from './words.tsx';

/** By language. Making one takes longer than all else that a row of a table shows. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(language: string): Intl.DateTimeFormat {
  const format = formats.get(language) ?? new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  formats.set(language, format);
  return format;
}

/** A time in the reader's zone; in UTC when it is pointed at. */
export function Time({ value }: { readonly value: string }) {
  const { language } = useSpeech();
  const date = new Date(value);
  return (
    <time
      dateTime={value}
      title={date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC')}
    >
      {formatOf(language)
        .format(date)
        .replace(/\s(?=[AP]M$)/, '\u00a0')}
    </time>
  );
}
