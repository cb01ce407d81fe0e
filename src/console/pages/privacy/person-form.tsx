import { Button, Field, Input, makeStyles } from '@fluentui/react-components';
import { useRef, useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { performAs } from '../../graph/perform.ts';
import { goTo } from '../../location.ts';
import { Download } from '../../parts/download.tsx';
import { ConfirmedDialog } from '../../parts/forms/confirmed-dialog.tsx';
import { EnterpriseField } from '../../parts/forms/enterprise-choice.tsx';
import { type Problem, ProblemBar } from '../../parts/states.tsx';
import { isProvider, may, mayExport, useSession } from '../../session/session.ts';
import { useWords } from '../../words/words.tsx';

const EXPORT = graphql(`
  mutation ExportPerson($input: ExportPersonInput!) {
    exportPerson(input: $input) {
      ... on ExportPersonSuccess { url }
      ... on Error { code message path }
    }
  }
`);
const ERASE = graphql(`
  mutation ErasePerson($input: ErasePersonInput!) {
    erasePerson(input: $input) {
      ... on ErasePersonSuccess { personErasure { sid } }
      ... on Error { code message path }
    }
  }
`);

const ERASED = ['privacy.erasesMessages', 'privacy.erasesConversations', 'privacy.erasesBot'] as const;
const STAYING = ['privacy.staysAudit', 'privacy.staysUnderWay', 'privacy.staysElsewhere'] as const;

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '12px' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '12px' },
  list: { margin: '0 0 8px', paddingLeft: '20px' },
});

/** Whom it is about: a phone number, or a Teams user by one or both of its names. */
interface Person {
  readonly phoneNumber?: string;
  readonly microsoftAddress?: string;
  readonly microsoftObjectId?: string;
  readonly enterpriseSid?: string;
}

/** Names a person, and downloads or erases what the gateway has of them. */
export function PersonForm() {
  const words = useWords();
  const styles = useStyles();
  const hasName = useSession()?.name !== undefined;
  const [person, setPerson] = useState<Person>({});
  const [enterprise, setEnterprise] = useState<string>();
  const [isErasing, setErasing] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const form = useRef<HTMLFormElement>(null);
  // An enterprise that was typed and not chosen would be all of them.
  const isValid = () => form.current?.reportValidity() === true;
  const set = (name: keyof Person, value: string) => {
    setProblem(undefined);
    setPerson({ ...person, [name]: value || undefined });
  };
  const { phoneNumber, microsoftAddress, microsoftObjectId } = person;
  // The gateway takes one or the other.
  const areTwo = phoneNumber !== undefined && (microsoftAddress ?? microsoftObjectId) !== undefined;
  const given = [phoneNumber, microsoftAddress, microsoftObjectId].filter((text) => text !== undefined);
  const named = areTwo ? undefined : given.join(', ') || undefined;
  return (
    <form ref={form} className={styles.form} onSubmit={(event) => event.preventDefault()}>
      {problem && <ProblemBar problem={problem} />}
      <Field label={words('field.number')}>
        <Input type="tel" value={person.phoneNumber ?? ''} autoComplete="off" onChange={(_, { value }) => set('phoneNumber', value)} />
      </Field>
      <Field label={words('field.teamsUser')} hint={words('privacy.userHint')}>
        <Input value={person.microsoftAddress ?? ''} autoComplete="off" onChange={(_, { value }) => set('microsoftAddress', value)} />
      </Field>
      <Field label={words('privacy.objectId')}>
        <Input value={person.microsoftObjectId ?? ''} autoComplete="off" onChange={(_, { value }) => set('microsoftObjectId', value)} />
      </Field>
      {isProvider() && (
        <EnterpriseField
          value={person.enterpriseSid ?? ''}
          none={words('webhook.everyEnterprise')}
          keepsText
          onChange={(sid, name) => {
            set('enterpriseSid', sid);
            setEnterprise(name || sid || undefined);
          }}
        />
      )}
      <div className={styles.actions}>
        {mayExport() && (
          <Download
            label={words('privacy.export')}
            document={EXPORT}
            input={{ ...person }}
            isDisabled={!named}
            mayBegin={isValid}
            onProblem={setProblem}
          />
        )}
        {hasName && may('WRITE') && (
          <Button disabled={!named} onClick={() => setErasing(isValid())}>
            {words('privacy.erase')}
          </Button>
        )}
      </div>
      {isErasing && named && <Erase person={person} named={named} enterprise={enterprise} onClose={() => setErasing(false)} />}
    </form>
  );
}

interface EraseProps {
  readonly person: Person;
  /** All that the person is named by, which has to be typed again. */
  readonly named: string;
  /** Absent: of all enterprises that one may see. */
  readonly enterprise: string | undefined;
  readonly onClose: () => void;
}

/** Says what is erased and what is not, and erases once the person's name was typed again. */
function Erase({ person, named, enterprise, onClose }: EraseProps) {
  const words = useWords();
  const styles = useStyles();
  const list = (keys: typeof ERASED | typeof STAYING) => (
    <ul className={styles.list}>
      {keys.map((key) => (
        <li key={key}>{words(key)}</li>
      ))}
    </ul>
  );
  return (
    <ConfirmedDialog
      title={words('privacy.eraseTitle', { person: named })}
      submitLabel={words('privacy.eraseNow')}
      asked={[{ name: 'confirmation', label: words('privacy.confirmation', { person: named }) }]}
      onSubmit={async ({ confirmation }, authorization) => {
        if (confirmation?.trim() !== named.trim()) return { code: 'CONFIRMATION', message: '', path: ['confirmation'] };
        const { problem, success } = await performAs(authorization, ERASE, { ...person });
        return problem ?? (() => goTo(`/erasures/${success.personErasure.sid}`));
      }}
      onClose={onClose}
    >
      <div>
        <p>
          {words('field.enterprise')}: {enterprise ?? words('webhook.everyEnterprise')}
        </p>
        <p>{words('privacy.erasesText')}</p>
        {list(ERASED)}
        <p>{words('privacy.staysText')}</p>
        {list(STAYING)}
      </div>
    </ConfirmedDialog>
  );
}
