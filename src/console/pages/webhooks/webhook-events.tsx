import { Checkbox, makeStyles, tokens } from '@fluentui/react-components';
import { useWords, type Words, wordFor } from '../../words/words.tsx';

const EVENT_TYPES = [
  'MESSAGE_QUEUED',
  'MESSAGE_SENDING',
  'MESSAGE_SENT',
  'MESSAGE_DELIVERED',
  'MESSAGE_READ',
  'MESSAGE_RECEIVED',
  'MESSAGE_UNDELIVERED',
  'MESSAGE_FAILED',
] as const;

/** The events that a webhook can choose: each is a status that a message reaches. */
export type EventType = (typeof EVENT_TYPES)[number];

const useStyles = makeStyles({
  group: { border: 'none', margin: 0, padding: 0, display: 'flex', flexWrap: 'wrap' },
  legend: { padding: 0 },
  // As Fluent UI's fields show theirs.
  hint: {
    flexBasis: '100%',
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
});

const nameOf = (words: Words, type: string) => wordFor(words, 'status', type.replace(/^MESSAGE_/, ''), type);

/** The names of chosen events. None are all. */
export const eventNames = (words: Words, types: readonly string[]): string =>
  types.length === 0 ? words('webhook.everyEvent') : types.map((type) => nameOf(words, type)).join(', ');

/** What a request led to: the response's status, or why there was none. */
export const outcomeOf = (words: Words, { status, error }: { readonly status: number | null; readonly error: string | null }): string =>
  String(status ?? (error === null ? '–' : words.said(error)));

interface EventChoiceProps {
  readonly chosen: readonly EventType[];
  readonly onChange: (chosen: readonly EventType[]) => void;
}

/** Chooses the events of a webhook. */
export function EventChoice({ chosen, onChange }: EventChoiceProps) {
  const words = useWords();
  const styles = useStyles();
  return (
    <fieldset className={styles.group}>
      <legend className={styles.legend}>{words('webhook.events')}</legend>
      {EVENT_TYPES.map((type) => (
        <Checkbox
          key={type}
          label={nameOf(words, type)}
          checked={chosen.includes(type)}
          onChange={(_, { checked }) => onChange(EVENT_TYPES.filter((one) => (one === type ? checked : chosen.includes(one))))}
        />
      ))}
      <span className={styles.hint}>{words('webhook.eventsHint')}</span>
    </fieldset>
  );
}
