import { Field, makeStyles, tokens } from '@fluentui/react-components';

const useStyles = makeStyles({ input: { font: 'inherit', color: tokens.colorNeutralForeground1, maxWidth: '100%' } });

interface FileFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly message?: string;
  readonly isRequired?: boolean;
  /** As the attribute `accept`. */
  readonly accept: string;
  readonly onFile: (file: File | undefined) => void;
}

/** Chooses a file of the reader's. */
export function FileField({ label, hint, message, isRequired, accept, onFile }: FileFieldProps) {
  const styles = useStyles();
  return (
    <Field label={label} hint={hint} validationMessage={message} required={isRequired}>
      {(field) => (
        <input {...field} className={styles.input} type="file" accept={accept} onChange={({ target }) => onFile(target.files?.[0])} />
      )}
    </Field>
  );
}
