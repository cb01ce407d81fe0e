import { Button, Checkbox, Field, Input, Link, makeStyles, tokens } from '@fluentui/react-components';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { problemFrom } from '../graph/ask.ts';
import { Panel } from '../parts/page.tsx';
import { type Problem, ProblemBar } from '../parts/states.tsx';
import { useWords } from '../words/words.tsx';
import { type Credentials, hasSignedOut, signIn } from './session.ts';
import { isStored } from './stored.ts';
import { TeamsNotice, useTeamsSignIn } from './teams-sign-in.tsx';

const useStyles = makeStyles({
  // The title stays where the first paint has it, however high the form is.
  place: { display: 'grid', justifyItems: 'center', padding: '14vh 16px 16px' },
  card: { width: 'min(420px, 100%)', padding: '24px', boxSizing: 'border-box' },
  form: { display: 'flex', flexDirection: 'column', gap: '12px' },
  title: { margin: 0, fontSize: tokens.fontSizeBase600, lineHeight: tokens.lineHeightBase600, outline: 'none' },
  text: { margin: 0, color: tokens.colorNeutralForeground2 },
});

/** The page of somebody who is not signed in. */
export function SignIn() {
  const styles = useStyles();
  const words = useWords();
  const teams = useTeamsSignIn();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = words.titleOf(words('signIn.title'));
  }, [words]);
  // The button that signed out is gone, and the focus with it.
  useEffect(() => {
    if (hasSignedOut()) heading.current?.focus();
  }, []);
  return (
    <main className={styles.place}>
      <Panel className={styles.card}>
        <h1 className={styles.title} tabIndex={-1} ref={heading}>
          {words('signIn.title')}
        </h1>
        <p className={styles.text}>{words('signIn.text')}</p>
        <TeamsNotice {...teams} />
        <SignInForm teamsToken={teams.state.token} />
      </Panel>
    </main>
  );
}

interface SignInFormProps {
  /** The name of the user who must sign in again; absent: anybody may sign in. */
  readonly name?: string;
  /** The token of the user of Teams, for a link with the admin that signs in. */
  readonly teamsToken?: string;
  readonly onDone?: () => void;
}

export function SignInForm({ name: fixed, teamsToken, onDone }: SignInFormProps) {
  const styles = useStyles();
  const words = useWords();
  const [byToken, setByToken] = useState(false);
  const [name, setName] = useState(fixed ?? '');
  const [secret, setSecret] = useState('');
  const [keep, setKeep] = useState(isStored);
  const [isLinking, setLinking] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isBusy || secret === '') return;
    setBusy(true);
    const credentials: Credentials = byToken ? { accessToken: secret.trim() } : { name: name.trim(), password: secret };
    try {
      await signIn(credentials, keep, isLinking ? teamsToken : undefined);
      onDone?.();
    } catch (error) {
      setProblem(problemFrom(error));
      setBusy(false);
    }
  }

  return (
    <form className={styles.form} onSubmit={submit}>
      {problem && <ProblemBar problem={problem} />}
      {!byToken && (
        <Field label={words('signIn.name')} required>
          <Input value={name} readOnly={fixed !== undefined} autoComplete="username" onChange={(_, { value }) => setName(value)} />
        </Field>
      )}
      <Field label={words(byToken ? 'signIn.accessToken' : 'signIn.password')} required>
        <Input type="password" value={secret} autoComplete="current-password" onChange={(_, { value }) => setSecret(value)} />
      </Field>
      <Checkbox label={words('signIn.keep')} checked={keep} onChange={(_, { checked }) => setKeep(checked === true)} />
      {teamsToken !== undefined && !byToken && (
        <Checkbox label={words('teams.link')} checked={isLinking} onChange={(_, { checked }) => setLinking(checked === true)} />
      )}
      <Button type="submit" appearance="primary" disabledFocusable={isBusy || secret === ''}>
        {words('signIn.submit')}
      </Button>
      {fixed === undefined && (
        <Link as="button" type="button" onClick={() => setByToken(!byToken)}>
          {words(byToken ? 'signIn.byPassword' : 'signIn.byToken')}
        </Link>
      )}
    </form>
  );
}
