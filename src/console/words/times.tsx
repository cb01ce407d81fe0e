import { useSpeech } from './words.tsx';

/** A time in the reader's zone; in UTC when it is pointed at. */
export function Time({ value, isShort = false }: { readonly value: string; readonly isShort?: boolean }) {
  const { language } = useSpeech();
  const date = new Date(value);
  const format = new Intl.DateTimeFormat(language, isShort ? { timeStyle: 'medium' } : { dateStyle: 'medium', timeStyle: 'medium' });
  return (
    <time
      dateTime={value}
      title={date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC')}
    >
      {format.format(date)}
    </time>
  );
}
