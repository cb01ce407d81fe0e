import { Field, Input, makeStyles, Select } from '@fluentui/react-components';
import { type ReactNode, useEffect, useState } from 'react';
import { change, usePlace } from '../../location.ts';
import { useWords } from '../../words/words.tsx';

/** How long to wait for another letter, in ms. */
const TYPING = 300;

const useStyles = makeStyles({
  bar: {
    display: 'flex',
    flexWrap: 'wrap',
    gap: '12px',
    marginBottom: '12px',
    alignItems: 'flex-end',
    '& > *': { minWidth: '160px' },
    '@media (max-width: 700px)': {
      display: 'grid',
      gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)',
      gap: '8px 12px',
      '& > *': { minWidth: 0 },
      // An input has a width of its own, which would widen its column.
      '& input, & select': { width: '100%' },
      // A date and a time need more than half of a narrow screen.
      '& > :has(input[type="datetime-local"])': { gridColumn: '1 / -1' },
    },
  },
});

/** A row of filters. Each is a parameter of the address. */
export function Filters({ children }: { readonly children: ReactNode }) {
  return (
    <search className={useStyles().bar} aria-label={useWords()('list.filters')}>
      {children}
    </search>
  );
}

interface FilterProps {
  readonly name: string;
  readonly label: string;
}

export function TextFilter({ name, label, type = 'search' }: FilterProps & { readonly type?: 'search' | 'datetime-local' }) {
  const now = usePlace().parameters.get(name) ?? '';
  const [text, setText] = useState(now);
  useEffect(() => setText(now), [now]);
  useEffect(() => {
    if (text === now) return;
    const timer = setTimeout(() => change({ [name]: text }, true), TYPING);
    return () => clearTimeout(timer);
  }, [text, now, name]);
  return (
    <Field label={label}>
      <Input type={type} value={text} onChange={(_, { value }) => setText(value)} />
    </Field>
  );
}

export function ChoiceFilter({ name, label, choices }: FilterProps & { readonly choices: readonly (readonly [string, string])[] }) {
  const words = useWords();
  const now = usePlace().parameters.get(name) ?? '';
  return (
    <Field label={label}>
      <Select value={now} onChange={(_, { value }) => change({ [name]: value })}>
        <option value="">{words('list.all')}</option>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </Select>
    </Field>
  );
}
