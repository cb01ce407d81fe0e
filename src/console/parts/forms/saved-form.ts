import { type FormEvent, useState } from 'react';
import { useWords } from '../../words/words.tsx';
import { type Problem, sentenceOf } from '../states.tsx';

/** The state of a form that stays open when it is saved: its values, and what became of the last attempt. */
export function useSavedForm<Values extends object>(initial: Values) {
  const words = useWords();
  const [saved, setSaved] = useState(initial);
  const [values, setValues] = useState(initial);
  const [outcome, setOutcome] = useState<Problem | 'saved'>();
  const [isBusy, setBusy] = useState(false);
  const problem = typeof outcome === 'object' ? outcome : undefined;
  const culprit = problem?.path?.at(-1);
  return {
    values,
    isBusy,
    isSaved: outcome === 'saved',
    /** The problem, unless it is shown at the field that it is about. */
    problem: culprit && culprit in values ? undefined : problem,
    /** What is wrong with a field. */
    messageAt: (name: string) => (problem && culprit === name ? sentenceOf(words, problem) : undefined),
    set: (change: Partial<Values>) => {
      setOutcome(undefined);
      setValues({ ...values, ...change });
    },
    /**
     * Makes the form's handler, which saves once however often it is submitted.
     * @param save gets alone what was changed: others may have changed the rest. Returns what is wrong, or the values as they are now
     */
    submitBy: (save: (changes: Partial<Values>) => Promise<Problem | { readonly saved: Values }>) => async (event: FormEvent) => {
      event.preventDefault();
      if (isBusy) return;
      setBusy(true);
      const isChanged = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(saved[name as keyof Values]);
      const found = await save(Object.fromEntries(Object.entries(values).filter(isChanged)) as Partial<Values>);
      setBusy(false);
      setOutcome('saved' in found ? 'saved' : found);
      if (!('saved' in found)) return;
      setSaved(found.saved);
      setValues(found.saved);
    },
  };
}
