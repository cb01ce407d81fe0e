import { Combobox, Field, makeStyles, Option, tokens } from '@fluentui/react-components';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { graphql } from '../../graph/graphql.ts';
import { change, usePlace } from '../../location.ts';
import { useWords } from '../../words/words.tsx';

const SEARCH = graphql(`
  query SearchEnterprises($filter: EnterpriseFilter) {
    enterprises(first: 20, filter: $filter, orderBy: { field: NAME }) {
      nodes { sid name }
      pageInfo { hasNextPage }
    }
  }
`);
const NAME = graphql(`
  query EnterpriseName($sid: ID!) {
    enterprise(sid: $sid) { sid name }
  }
`);
const TYPES = ['Enterprise'];

/** How long to wait for another letter, in ms. */
const TYPING = 200;
const SID = /^EN[0-9a-f]{32}$/i;

const useStyles = makeStyles({
  // Fluent UI's own width does not fit into a narrow column.
  box: { minWidth: 0, width: '100%' },
  // As large as a finger can hit: WCAG 2.2, 2.5.8.
  arrow: { display: 'flex', minWidth: '24px', minHeight: '24px', justifyContent: 'center', alignItems: 'center' },
  // A longer list would not fit above or below the field.
  list: { maxHeight: '288px !important' },
  // The choice of none looks like a choice, as in the other filters, not like a hint.
  none: { '::placeholder': { color: tokens.colorNeutralForeground1, opacity: 1 } },
  status: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' },
});

interface EnterpriseFieldProps {
  /** The chosen one's sid, or an empty text. */
  readonly value: string;
  /** The label of the choice of none. Absent: an enterprise is required; if there is only one, it is chosen at once. */
  readonly none?: string;
  /** Whether closed ones are left out. */
  readonly isOpen?: boolean;
  readonly hint?: string;
  readonly message?: string;
  readonly className?: string;
  /** Whether a text stays that chooses nothing, and keeps its form from being sent: forgotten, it would become what choosing none means. */
  readonly keepsText?: boolean;
  readonly onChange: (sid: string, name: string) => void;
}

/** Asks for an enterprise: searches by name, or by a whole sid, while the user types. */
export function EnterpriseField({ value, none, isOpen = false, hint, message, className, keepsText, onChange }: EnterpriseFieldProps) {
  const words = useWords();
  const styles = useStyles();
  const [isListed, setListed] = useState(false);
  // Absent: nobody is typing, and the field shows the chosen enterprise's name.
  const [typed, setTyped] = useState<string>();
  const sought = useSettled(typed?.trim() ?? '');
  const [picked, setPicked] = useState({ sid: '', name: '' });
  const named = useEnterpriseName(value === picked.sid ? '' : value);
  // In the landmark or dialog that the field is in, where screen readers expect its list.
  const [place, setPlace] = useState<HTMLElement | null>(null);
  const { found, hasMore, isBusy, isAnswered } = useSearch(sought, isOpen, !isListed && none !== undefined);
  // What is listed may be the answer to a text that was typed before.
  const isCurrent = isAnswered && sought === (typed?.trim() ?? '');
  const isRequired = none === undefined;
  const only = isRequired && value === '' && isCurrent && sought === '' && !hasMore && found?.length === 1 ? found[0] : undefined;
  const unchosen = keepsText && typed?.trim() ? words('choice.unchosen') : '';
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.setCustomValidity(unchosen), [unchosen]);
  const choose = useRef(onChange);
  useEffect(() => {
    choose.current = onChange;
  });
  useEffect(() => {
    if (only) choose.current(only.sid, only.name);
  }, [only]);

  function pick(sid: string, name: string) {
    setPicked({ sid, name });
    onChange(sid, name);
  }

  return (
    <div
      className={className}
      ref={useCallback((own: HTMLElement | null) => setPlace(own?.closest<HTMLElement>('main, [role=dialog]') ?? null), [])}
    >
      <Field label={words('field.enterprise')} hint={hint} required={isRequired} validationMessage={(!isListed && unchosen) || message}>
        <Combobox
          ref={input}
          className={styles.box}
          expandIcon={{ className: styles.arrow, 'aria-label': words('choice.open') }}
          listbox={{ className: styles.list }}
          input={{ autoComplete: 'off', spellCheck: false, className: isRequired ? undefined : styles.none }}
          value={typed ?? (value === picked.sid ? picked.name : (named ?? ''))}
          placeholder={none ?? words('choice.enterprise')}
          selectedOptions={[value]}
          aria-busy={isBusy}
          // Typing replaces the chosen enterprise's name. A click puts the caret into it after the focus, so it selects the name again.
          onFocus={({ target }) => target instanceof HTMLInputElement && target.select()}
          onClick={({ target }) => {
            if (typed === undefined && target instanceof HTMLInputElement && target.selectionStart === target.selectionEnd) target.select();
          }}
          open={isListed}
          mountNode={place}
          onChange={({ target }) => {
            setTyped(target.value);
            // Fluent UI does not open the list for pasted text.
            setListed(true);
          }}
          onOpenChange={(_, { open }) => setListed(open)}
          onBlur={() => {
            if (typed === '' && none !== undefined && value !== '') pick('', '');
            if (unchosen === '') setTyped(undefined);
          }}
          onOptionSelect={(_, { optionValue }) => {
            // Fluent UI clears the choice while the user types; here it stays until another one is made.
            if (optionValue === undefined) return;
            setTyped(undefined);
            pick(optionValue, found?.find(({ sid }) => sid === optionValue)?.name ?? '');
          }}
        >
          {none !== undefined && sought === '' && <Option value="">{none}</Option>}
          {found?.map(({ sid, name }) => (
            <Option key={sid} value={sid}>
              {name}
            </Option>
          ))}
          {isCurrent && (hasMore || found?.length === 0) && (
            <Option key="note" disabled value="note" text="">
              {words(hasMore ? 'choice.more' : 'choice.nothing')}
            </Option>
          )}
        </Combobox>
      </Field>
      <span className={styles.status} role="status">
        {isListed && found && isCurrent && words(hasMore ? 'choice.countAtLeast' : 'choice.count', { count: found.length })}
      </span>
    </div>
  );
}

/** The text as it was when the user last paused. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), text === '' ? 0 : TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** The name of an enterprise, or the sid if the user cannot see such an enterprise. Undefined: not known yet, or none is given. */
export function useEnterpriseName(sid: string): string | undefined {
  const { data } = useAnswer({ document: NAME, variables: { sid }, isPaused: sid === '' });
  return data && (data.enterprise?.name ?? sid);
}

/** What is found, which stays until the answer to another text is there, and whether it is the answer to this one. */
function useSearch(sought: string, isOpen: boolean, isPaused: boolean) {
  const isSid = SID.test(sought);
  const byName = useAnswer({
    document: SEARCH,
    variables: { filter: { name: sought || undefined, statuses: isOpen ? ['ACTIVE', 'INACTIVE'] : undefined } },
    types: TYPES,
    isPaused: isPaused || isSid,
  });
  const bySid = useAnswer({ document: NAME, variables: { sid: sought }, isPaused: isPaused || !isSid });
  const { isBusy, data } = isSid ? bySid : byName;
  const isAnswered = data !== undefined && !isBusy;
  if (isSid) return { found: bySid.data && (bySid.data.enterprise ? [bySid.data.enterprise] : []), hasMore: false, isBusy, isAnswered };
  const page = byName.latest?.data.enterprises;
  return { found: page?.nodes, hasMore: page?.pageInfo.hasNextPage ?? false, isBusy, isAnswered };
}

/** Filters a list by an enterprise. */
export function EnterpriseFilter() {
  const words = useWords();
  const chosen = usePlace().parameters.get('enterprise') ?? '';
  return <EnterpriseField value={chosen} none={words('list.all')} onChange={(sid) => change({ enterprise: sid })} />;
}
