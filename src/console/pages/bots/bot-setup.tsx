import { Button, Field, Input, Link, makeStyles, tokens } from '@fluentui/react-components';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo, usePlace } from '../../location.ts';
import { EnterpriseField } from '../../parts/forms/enterprise-choice.tsx';
import { Page } from '../../parts/page.tsx';
import { type Problem, ProblemBar } from '../../parts/states.tsx';
import { useWords, type Word } from '../../words/words.tsx';
import { AppPackage } from './app-package.tsx';
import { BotChecks } from './bot-checks.tsx';
import { type BotPlace, CredentialFields, FIRST_PLACE, hasCredential, inputOf, isPlaced, PlaceFields } from './bot-setup-fields.tsx';

const CREATE = graphql(`
  mutation CreateBot($input: CreateBotInput!) {
    createBot(input: $input) {
      ... on CreateBotSuccess { bot { sid adminConsentUrl enterprise { sid bot { sid } } } }
      ... on Error { code message path }
    }
  }
`);

const useStyles = makeStyles({
  form: { maxWidth: '640px', display: 'flex', flexDirection: 'column', gap: '16px' },
  steps: { display: 'flex', flexWrap: 'wrap', gap: '4px 20px', listStyle: 'none', padding: 0, margin: '0 0 16px' },
  step: { color: tokens.colorNeutralForeground2 },
  current: { fontWeight: tokens.fontWeightSemibold, color: tokens.colorNeutralForeground1 },
  title: { margin: 0, fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, outline: 'none' },
  text: { margin: 0, whiteSpace: 'pre-line' },
  buttons: { display: 'flex', gap: '8px' },
});

type Name = 'enterpriseSid' | 'applicationId' | 'tenantId' | 'botAppId';

interface Step {
  readonly title: Word;
  readonly text: Word;
  readonly asked: readonly (readonly [Name, Word])[];
  readonly Fields?: typeof PlaceFields;
  /** The fields of the graph's input that this step fills. */
  readonly given?: readonly string[];
  readonly isComplete?: (place: BotPlace) => boolean;
}

/** The walk's steps: what each asks for. The last one, which checks the bot, asks for nothing. */
const STEPS: readonly Step[] = [
  { title: 'botWalk.enterprise', text: 'botWalk.enterpriseText', asked: [['enterpriseSid', 'field.enterprise']] },
  {
    title: 'botWalk.application',
    text: 'botWalk.applicationText',
    asked: [
      ['applicationId', 'bot.application'],
      ['tenantId', 'bot.tenant'],
    ],
    Fields: PlaceFields,
    given: ['cloud', 'authority', 'homeTenantId'],
    isComplete: isPlaced,
  },
  {
    ...{ title: 'botWalk.credential', text: 'botWalk.credentialText', asked: [] },
    Fields: CredentialFields,
    given: ['clientSecret', 'dateClientSecretExpires', 'certificate', 'privateKey'],
    isComplete: hasCredential,
  },
  { title: 'botWalk.app', text: 'botWalk.appText', asked: [['botAppId', 'bot.app']] },
  { title: 'botWalk.check', text: 'botWalk.checkText', asked: [] },
];

/** Where the Bot Framework sends activities: next to the console, whatever its prefix. */
const ENDPOINT = new URL('../api/messages', document.baseURI).href;

/** Sets up a bot step by step, and checks it at the end. */
export default function BotSetup() {
  const words = useWords();
  const styles = useStyles();
  const given = usePlace().parameters.get('enterprise') ?? undefined;
  const create = usePerform(CREATE);
  const [at, setAt] = useState(0);
  const [values, setValues] = useState<Partial<Record<Name, string>>>({ enterpriseSid: given });
  const [place, setPlace] = useState(FIRST_PLACE);
  const [problem, setProblem] = useState<Problem>();
  const [bot, setBot] = useState<{ readonly sid: string; readonly adminConsentUrl: string }>();
  const [isBusy, setBusy] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const former = useRef(at);
  // A screen reader hears the step, and Tab goes on to its fields. At first, the page's own title has the focus.
  useEffect(() => {
    if (former.current !== at) heading.current?.focus();
    former.current = at;
  }, [at]);
  const step = STEPS[at];
  if (!step) return null;
  const all = {
    enterpriseSid: '',
    applicationId: '',
    tenantId: '',
    // The app package has the application's id as its own.
    botAppId: values.applicationId ?? '',
    ...definedOf(values),
  };

  const isComplete = step.asked.every(([name]) => all[name].trim() !== '') && (step.isComplete?.(place) ?? true);

  async function next(event: FormEvent) {
    event.preventDefault();
    // A disabled button that keeps the focus still submits its form.
    if (isBusy || !isComplete) return;
    if (at < STEPS.length - 2) {
      setAt(at + 1);
      return;
    }
    setBusy(true);
    const { problem: found, success } = await create({ ...all, ...inputOf(place) });
    setBusy(false);
    setProblem(found);
    if (success) {
      setBot(success.bot);
      // Forgets the secrets.
      setPlace(FIRST_PLACE);
      setAt(STEPS.length - 1);
      return;
    }
    // Back to the step that asks for what is wrong.
    const culprit = STEPS.findIndex(({ asked, given = [] }) =>
      [...asked.map(([name]) => name), ...given].includes(found?.path?.at(-1) ?? ''),
    );
    if (culprit >= 0) setAt(culprit);
  }

  return (
    <Page title={words('bot.setUp')}>
      <ol className={styles.steps}>
        {STEPS.map(({ title }, index) => (
          <li key={title} className={index === at ? styles.current : styles.step} aria-current={index === at ? 'step' : undefined}>
            {index + 1}. {words(title)}
          </li>
        ))}
      </ol>
      {problem && <ProblemBar problem={problem} />}
      <form className={styles.form} onSubmit={next}>
        <h2 className={styles.title} tabIndex={-1} ref={heading}>
          {words(step.title)}
        </h2>
        <p className={styles.text}>{words(step.text, { endpoint: ENDPOINT, console: document.baseURI })}</p>
        {step.asked.map(([name, label]) =>
          name === 'enterpriseSid' ? (
            <EnterpriseField key={name} value={all[name]} isOpen onChange={(chosen) => setValues({ ...values, [name]: chosen })} />
          ) : (
            <Field key={name} label={words(label)} required>
              <Input autoComplete="off" value={all[name]} onChange={(_, { value }) => setValues({ ...values, [name]: value })} />
            </Field>
          ),
        )}
        {step.Fields && <step.Fields place={place} onChange={(changed) => setPlace((before) => ({ ...before, ...changed }))} />}
        {!bot && (
          <div className={styles.buttons}>
            {at > 0 && <Button onClick={() => setAt(at - 1)}>{words('action.back')}</Button>}
            <Button type="submit" appearance="primary" disabledFocusable={isBusy || !isComplete}>
              {words(at < STEPS.length - 2 ? 'action.next' : 'action.create')}
            </Button>
          </div>
        )}
      </form>
      {bot && (
        <>
          <h2>{words('botHealth.consent')}</h2>
          <p>{words('botWalk.consentText')}</p>
          <p>
            <Link href={bot.adminConsentUrl} rel="noreferrer" target="_blank">
              {words('botWalk.consent')}
            </Link>
          </p>
          <AppPackage sid={bot.sid} />
          <BotChecks bot={bot} />
          <p>
            <Link href={linkTo(`/bots/${bot.sid}`)}>{words('bot.open')}</Link>
          </p>
        </>
      )}
    </Page>
  );
}

const definedOf = <Values extends object>(values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Values]: Exclude<Values[Key], undefined>;
  };
