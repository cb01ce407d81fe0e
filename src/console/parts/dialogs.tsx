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
import { type FormEvent, type ReactNode, useState } from 'react';
import { useWords } from '../words/words.tsx';
import { useKeptFocus } from './focus.tsx';
import { type Problem, ProblemBar, sentenceOf } from './states.tsx';

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
  readonly type?: 'text' | 'password' | 'email' | 'tel' | 'datetime-local';
  /** Values to choose from, and their words. Absent: any text. */
  readonly choices?: readonly (readonly [string, string])[];
}

interface FormDialogProps {
  readonly title: string;
  readonly asked: readonly Asked[];
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
  const culprit = problem && asked.find(({ name }) => name === problem.path?.at(-1))?.name;

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    const found = await onSubmit(values).catch((error: unknown) => ({ code: 'UNKNOWN', message: String(error) }));
    setBusy(false);
    if (typeof found === 'object') {
      setProblem(found);
      return;
    }
    onClose();
    found?.();
  }

  return (
    <form onSubmit={submit}>
      <DialogBody>
        <DialogTitle>{title}</DialogTitle>
        <DialogContent className={styles.form}>
          {problem && !culprit && <ProblemBar problem={problem} />}
          {children}
          {asked.map(({ name, label, hint, isOptional, isLong, type, choices }) => (
            <Field
              key={name}
              label={label}
              hint={hint}
              required={!isOptional}
              validationMessage={problem && culprit === name ? sentenceOf(words, problem) : undefined}
            >
              {choices ? (
                <Select value={values[name]} onChange={(_, { value }) => setValues({ ...values, [name]: value })}>
                  {choices.map(([value, text]) => (
                    <option key={value} value={value}>
                      {text}
                    </option>
                  ))}
                </Select>
              ) : isLong ? (
                <Textarea
                  rows={6}
                  value={values[name]}
                  autoComplete="off"
                  spellCheck={false}
                  onChange={(_, { value }) => setValues({ ...values, [name]: value })}
                />
              ) : (
                <Input
                  type={type}
                  value={values[name]}
                  autoComplete={type === 'password' ? 'new-password' : 'off'}
                  onChange={(_, { value }) => setValues({ ...values, [name]: value })}
                />
              )}
            </Field>
          ))}
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
