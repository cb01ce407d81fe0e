import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
  Select,
  Textarea,
} from '@fluentui/react-components';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useWords } from '../../words/words.tsx';
import { useKeptFocus } from '../focus.tsx';
import { type Problem, ProblemBar, sentenceOf } from '../states.tsx';
import { EnterpriseField } from './enterprise-choice.tsx';

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '12px' },
  surface: { width: 'calc(100vw - 16px)' },
});

/** A text that a form asks for. */
interface Asked {
  /** The name in the graph's input, as in the `path` of its errors. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly value?: string;
  readonly isOptional?: true;
  /** Whether it has several lines. */
  readonly isLong?: true;
  readonly type?: 'text' | 'password' | 'email' | 'tel' | 'date' | 'datetime-local';
  /** Values to choose from, and their words. Absent: any text. */
  readonly choices?: readonly (readonly [string, string])[];
}

/** An enterprise, chosen by its name; the value is its sid. */
interface AskedEnterprise {
  readonly name: string;
  readonly value?: string;
  readonly hint?: string;
  readonly isEnterprise: true;
  /** The label of the choice of none. Absent: an enterprise is required. */
  readonly none?: string;
}

interface FormDialogProps {
  readonly title: string;
  readonly asked: readonly (Asked | AskedEnterprise)[];
  readonly submitLabel: string;
  readonly children?: ReactNode;
  /** @returns what is wrong; if it is done, what to do once the dialog is closed */
  readonly onSubmit: (values: Readonly<Record<string, string>>) => Promise<Problem | (() => void) | undefined>;
  /** Called when it is closed, whether or not it was submitted. */
  readonly onClose: () => void;
}

/** A form in a dialog. Errors appear at the field that caused them. */
export function FormDialog({ onClose, ...form }: FormDialogProps) {
  const styles = useStyles();
  useKeptFocus();
  return (
    <Dialog open onOpenChange={(_, { open }) => open || onClose()}>
      <DialogSurface className={styles.surface}>
        <FormBody {...form} onClose={onClose} />
      </DialogSurface>
    </Dialog>
  );
}

function FormBody({ title, asked, submitLabel, children, onSubmit, onClose }: FormDialogProps) {
  const styles = useStyles();
  const words = useWords();
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(asked.map(({ name, value = '' }) => [name, value])),
  );
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const isClosed = useRef(false);
  useEffect(() => {
    isClosed.current = false;
    return () => {
      isClosed.current = true;
    };
  }, []);
  const culprit = problem && asked.find(({ name }) => name === problem.path?.at(-1))?.name;
  const messageAt = (name: string) => (problem && culprit === name ? sentenceOf(words, problem) : undefined);
  const set = (name: string, value: string) => setValues((before) => ({ ...before, [name]: value }));

  async function submit(event: FormEvent) {
    event.preventDefault();
    // A disabled button that keeps the focus still submits its form.
    if (isBusy) return;
    setBusy(true);
    const { hash } = window.location;
    const found = await onSubmit(values).catch((error: unknown) => ({ code: 'UNKNOWN', message: String(error) }));
    // A reader who has opened another page meanwhile stays there.
    if (window.location.hash !== hash) return;
    setBusy(false);
    if (typeof found === 'object') {
      setProblem(found);
      return;
    }
    if (!isClosed.current) onClose();
    found?.();
  }

  return (
    <form onSubmit={submit}>
      <DialogBody>
        <DialogTitle>{title}</DialogTitle>
        <DialogContent className={styles.form}>
          {problem && !culprit && <ProblemBar problem={problem} />}
          {children}
          {asked.map((one) =>
            'isEnterprise' in one ? (
              <EnterpriseField
                key={one.name}
                value={values[one.name] ?? ''}
                none={one.none}
                isOpen
                keepsText={one.none !== undefined}
                hint={one.hint}
                message={messageAt(one.name)}
                onChange={(sid) => set(one.name, sid)}
              />
            ) : (
              <Field key={one.name} label={one.label} hint={one.hint} required={!one.isOptional} validationMessage={messageAt(one.name)}>
                <TextOf asked={one} value={values[one.name] ?? ''} onChange={(value) => set(one.name, value)} />
              </Field>
            ),
          )}
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>{words('action.cancel')}</Button>
          <Button type="submit" appearance="primary" disabledFocusable={isBusy}>
            {submitLabel}
          </Button>
        </DialogActions>
      </DialogBody>
    </form>
  );
}

interface TextProps {
  readonly asked: Asked;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** The control for a text: a list of choices, several lines, or one line. */
function TextOf({ asked: { choices, isLong, type }, value, onChange }: TextProps) {
  if (choices) {
    return (
      <Select value={value} onChange={(_, { value: chosen }) => onChange(chosen)}>
        {choices.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </Select>
    );
  }
  const common = { value, onChange: (_: unknown, { value: typed }: { readonly value: string }) => onChange(typed) };
  return isLong ? (
    <Textarea {...common} rows={6} autoComplete="off" spellCheck={false} />
  ) : (
    <Input {...common} type={type} autoComplete={type === 'password' ? 'new-password' : 'off'} />
  );
}
