import { Button, Field, Input, makeStyles, tokens } from '@fluentui/react-components';
import { type FormEvent, useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { EnterpriseField } from '../../parts/forms/enterprise-choice.tsx';
import { Saved } from '../../parts/forms/saved.tsx';
import { One } from '../../parts/one.tsx';
import { Page } from '../../parts/page.tsx';
import { type Problem, ProblemBar, sentenceOf } from '../../parts/states.tsx';
import { isProvider, may } from '../../session/session.ts';
import { useWords } from '../../words/words.tsx';
import { PersonForm } from './person-form.tsx';

const OF_ORGANIZATION = graphql(`
  query OrganizationRetention {
    organization { sid messageRetentionDays }
  }
`);
const OF_ENTERPRISE = graphql(`
  query EnterpriseRetention($sid: ID!) {
    enterprise(sid: $sid) { sid messageRetentionDays }
  }
`);
const SET = graphql(`
  mutation SetMessageRetention($input: SetMessageRetentionInput!) {
    setMessageRetention(input: $input) {
      ... on SetMessageRetentionSuccess { organization { sid messageRetentionDays } enterprise { sid messageRetentionDays } }
      ... on Error { code message path }
    }
  }
`);

const useStyles = makeStyles({
  section: { maxWidth: '640px', marginBottom: '32px' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500 },
  form: {
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    alignItems: 'flex-start',
    marginBottom: '20px',
    '& > *': { width: '100%' },
  },
  choice: { marginBottom: '12px' },
  end: { width: 'auto' },
});

/** How long messages are kept, and what is done for a person who asks for their data, or for its erasure. */
export default function Privacy() {
  const words = useWords();
  const styles = useStyles();
  return (
    <Page title={words('nav.privacy')}>
      {isProvider() && may('WRITE') && (
        <section className={styles.section} aria-label={words('privacy.retention')}>
          <h2 className={styles.title}>{words('privacy.retention')}</h2>
          <p>{words('privacy.retentionText')}</p>
          <One document={OF_ORGANIZATION} variables={{}} isFresh thingOf={({ organization }) => organization} missing="nav.unknown">
            {({ messageRetentionDays }) => <Retention days={messageRetentionDays} />}
          </One>
          <OfEnterprises />
        </section>
      )}
      <section className={styles.section} aria-label={words('privacy.person')}>
        <h2 className={styles.title}>{words('privacy.person')}</h2>
        <p>{words('privacy.personText')}</p>
        <PersonForm />
      </section>
    </Page>
  );
}

/** Chooses an enterprise, whose retention may differ. */
function OfEnterprises() {
  const words = useWords();
  const styles = useStyles();
  const [chosen, setChosen] = useState('');
  return (
    <>
      <EnterpriseField value={chosen} none={words('choice.enterprise')} isOpen className={styles.choice} onChange={setChosen} />
      {chosen !== '' && (
        <One
          key={chosen}
          document={OF_ENTERPRISE}
          variables={{ sid: chosen }}
          isFresh
          thingOf={({ enterprise }) => enterprise}
          missing="error.ENTERPRISE_NOT_FOUND"
        >
          {({ sid, messageRetentionDays }) => <Retention days={messageRetentionDays} enterpriseSid={sid} />}
        </One>
      )}
    </>
  );
}

/** The days of the organization, or of one enterprise. An empty field takes them away. */
function Retention({ days, enterpriseSid }: { readonly days: number | null; readonly enterpriseSid?: string }) {
  const words = useWords();
  const styles = useStyles();
  const set = usePerform(SET);
  const [value, setValue] = useState(days === null ? '' : String(days));
  const [outcome, setOutcome] = useState<Problem | 'saved'>();
  const [isBusy, setBusy] = useState(false);
  const [isShortening, setShortening] = useState(false);
  const problem = typeof outcome === 'object' ? outcome : undefined;
  const isOfField = problem?.path?.at(-1) === 'days';

  async function save() {
    setBusy(true);
    const { problem: found } = await set({ enterpriseSid, days: value === '' ? undefined : Number(value) });
    setBusy(false);
    setOutcome(found ?? 'saved');
    return undefined;
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isBusy) return;
    setOutcome(undefined);
    if (value !== '' && (days === null || Number(value) < days)) setShortening(true);
    else void save();
  }

  return (
    <>
      {isShortening && (
        <FormDialog
          title={words('privacy.shortenTitle', { days: value })}
          submitLabel={words('privacy.shortenNow')}
          asked={[]}
          onSubmit={save}
          onClose={() => setShortening(false)}
        >
          <p>
            {words('privacy.shortenText', {
              before: days === null ? words('privacy.noLimit') : words('privacy.daysLong', { days: String(days) }),
            })}
          </p>
        </FormDialog>
      )}
      <form className={styles.form} onSubmit={submit}>
        {problem && !isOfField && <ProblemBar problem={problem} />}
        <Field
          label={words(enterpriseSid ? 'privacy.daysOfEnterprise' : 'privacy.daysOfOrganization')}
          hint={words(enterpriseSid ? 'privacy.daysOfEnterpriseHint' : 'privacy.daysOfOrganizationHint')}
          validationMessage={problem && isOfField ? sentenceOf(words, problem) : undefined}
        >
          <Input
            type="number"
            min={1}
            max={36_500}
            value={value}
            onChange={(_, { value: typed }) => {
              setValue(typed);
              setOutcome(undefined);
            }}
          />
        </Field>
        <Button type="submit" disabledFocusable={isBusy} className={styles.end}>
          {words('action.save')}
        </Button>
        <Saved isSaved={outcome === 'saved'} />
      </form>
    </>
  );
}
