import { Button, makeStyles, tokens } from '@fluentui/react-components';
import { FileField } from '../../parts/forms/file-field.tsx';
import { useWords } from '../../words/words.tsx';

const useStyles = makeStyles({
  // An outline is white.
  icon: { maxHeight: '96px', maxWidth: '96px', alignSelf: 'flex-start', backgroundColor: tokens.colorNeutralBackgroundInverted },
  end: { alignSelf: 'flex-start' },
});

interface IconFieldProps {
  readonly label: string;
  readonly hint: string;
  /** A `data:` URL, or nothing. */
  readonly icon: string;
  readonly message: string | undefined;
  readonly onChange: (icon: string) => void;
}

/** Chooses a PNG, which becomes a `data:` URL. The gateway says what is wrong with it. */
export function IconField({ label, hint, icon, message, onChange }: IconFieldProps) {
  const words = useWords();
  const styles = useStyles();
  function choose(file: File | undefined) {
    if (!file) return;
    const reader = new FileReader();
    reader.onload = () => onChange(String(reader.result));
    reader.readAsDataURL(file);
  }
  return (
    <>
      <FileField label={label} hint={hint} message={message} accept="image/png" onFile={choose} />
      {icon !== '' && (
        <>
          <img className={styles.icon} src={icon} alt={label} />
          <Button className={styles.end} onClick={() => onChange('')}>
            {words('teamsApp.removeIcon')}
          </Button>
        </>
      )}
    </>
  );
}
