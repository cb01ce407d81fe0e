import { Field, makeStyles, tokens } from '@fluentui/react-components';

const useStyles = makeStyles({
  input: {
    font: 'inherit',
    color: tokens.colorNeutralForeground2,
    maxWidth: '100%',
    // Looks like Fluent UI's buttons.
    '::file-selector-button': {
      font: 'inherit',
      fontWeight: tokens.fontWeightSemibold,
      padding: '5px 12px',
      marginInlineEnd: '12px',
      borderRadius: tokens.borderRadiusMedium,
      border: `1px solid ${tokens.colorNeutralStroke1}`,
      color: tokens.colorNeutralForeground1,
      backgroundColor: tokens.colorNeutralBackground1,
      cursor: 'pointer',
    },
    '::file-selector-button:hover': { backgroundColor: tokens.colorNeutralBackground1Hover },
  },
});

interface FileFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly message?: string;
  readonly isRequired?: boolean;
  /** As the attribute `accept`. */
  readonly accept: string;
  readonly onFile: (file: File | undefined) => void;
}

/** A field that chooses a file. */
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
