import { Button, Checkbox, Field, Input, makeStyles, Textarea, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { Saved } from '../../parts/forms/saved.tsx';
import { useSavedForm } from '../../parts/forms/saved-form.ts';
import { One } from '../../parts/one.tsx';
import { Page } from '../../parts/page.tsx';
import { ProblemBar } from '../../parts/states.tsx';
import { useWords } from '../../words/words.tsx';
import { IconField } from './icon-field.tsx';

const APP = graphql(`
  query TeamsApp($enterpriseSid: ID, $sid: ID!) {
    enterprise(sid: $sid) { sid name }
    teamsApp(enterpriseSid: $enterpriseSid) {
      shortName fullName shortDescription fullDescription developerName accentColor colorIcon outlineIcon
      websiteUrl privacyUrl termsOfUseUrl consoleTab welcome
    }
  }
`);
const UPDATE = graphql(`
  mutation UpdateTeamsApp($input: UpdateTeamsAppInput!) {
    updateTeamsApp(input: $input) {
      ... on UpdateTeamsAppSuccess {
        teamsApp {
          shortName fullName shortDescription fullDescription developerName accentColor colorIcon outlineIcon
          websiteUrl privacyUrl termsOfUseUrl consoleTab welcome
        }
      }
      ... on Error { code message path }
    }
  }
`);

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '16px', maxWidth: '560px', alignItems: 'stretch' },
  group: { border: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '12px' },
  legend: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, fontWeight: 'bold', padding: '8px 0' },
  sample: { display: 'inline-block', width: '16px', height: '16px', borderRadius: tokens.borderRadiusSmall },
  end: { alignSelf: 'flex-start' },
});

type Look = NonNullable<ResultOf<typeof APP>['teamsApp']>;

/** How the app looks in Teams: the organization's, or that of the enterprise whose sid the address has. */
export default function TeamsApp({ sid }: { readonly sid: string }) {
  const words = useWords();
  const enterpriseSid = sid || undefined;
  return (
    <One
      document={APP}
      variables={{ enterpriseSid, sid }}
      isFresh
      thingOf={({ teamsApp, enterprise }) => teamsApp && { look: teamsApp, name: enterprise?.name }}
      missing="error.ENTERPRISE_NOT_FOUND"
    >
      {({ look, name }) => (
        <Page title={name === undefined ? words('teamsApp.title') : words('teamsApp.of', { name })}>
          <p>{words(enterpriseSid === undefined ? 'teamsApp.text' : 'teamsApp.enterpriseText')}</p>
          <AppForm key={sid} look={look} enterpriseSid={enterpriseSid} />
        </Page>
      )}
    </One>
  );
}

type ShownLook = ReturnType<typeof valuesOf>;

function AppForm({ look, enterpriseSid }: { readonly look: Look; readonly enterpriseSid: string | undefined }) {
  const words = useWords();
  const styles = useStyles();
  const update = usePerform(UPDATE);
  const { values, set, problem, messageAt, isBusy, isSaved, submitBy } = useSavedForm(valuesOf(look));
  // The rest stays the organization's, or the default.
  const submit = submitBy(async (changes) => {
    const { problem: found, success } = await update({ enterpriseSid, ...changes });
    return success ? { saved: valuesOf(success.teamsApp) } : found;
  });

  const text = (name: TextName, hint?: string) => (
    <Field key={name} label={words(`teamsApp.${name}`)} hint={hint} validationMessage={messageAt(name)}>
      {name === 'fullDescription' ? (
        <Textarea rows={6} value={values[name]} onChange={(_, { value }) => set({ [name]: value })} />
      ) : (
        <Input
          value={values[name]}
          contentBefore={
            name === 'accentColor' ? (
              <span className={styles.sample} style={{ backgroundColor: values[name] || 'transparent' }} />
            ) : undefined
          }
          onChange={(_, { value }) => set({ [name]: value })}
        />
      )}
    </Field>
  );
  return (
    <form className={styles.form} onSubmit={submit}>
      {problem && <ProblemBar problem={problem} />}
      <fieldset className={styles.group}>
        <legend className={styles.legend}>{words('teamsApp.names')}</legend>
        {text('shortName', words('teamsApp.shortNameHint'))}
        {text('fullName')}
        {text('shortDescription')}
        {text('fullDescription')}
      </fieldset>
      <fieldset className={styles.group}>
        <legend className={styles.legend}>{words('teamsApp.look')}</legend>
        {text('accentColor', words('settings.accentColorHint'))}
        {(['colorIcon', 'outlineIcon'] as const).map((name) => (
          <IconField
            key={name}
            label={words(`teamsApp.${name}`)}
            hint={words(`teamsApp.${name}Hint`)}
            icon={values[name]}
            message={messageAt(name)}
            onChange={(icon) => set({ [name]: icon })}
          />
        ))}
      </fieldset>
      <fieldset className={styles.group}>
        <legend className={styles.legend}>{words('teamsApp.developer')}</legend>
        {text('developerName')}
        {(['websiteUrl', 'privacyUrl', 'termsOfUseUrl'] as const).map((name) => text(name, words('teamsApp.linkHint')))}
      </fieldset>
      <fieldset className={styles.group}>
        <legend className={styles.legend}>{words('teamsApp.inTeams')}</legend>
        {(['consoleTab', 'welcome'] as const).map((name) => (
          <Checkbox
            key={name}
            label={words(`teamsApp.${name}`)}
            checked={values[name]}
            onChange={(_, { checked }) => set({ [name]: checked === true })}
          />
        ))}
      </fieldset>
      <Button type="submit" appearance="primary" disabledFocusable={isBusy} className={styles.end}>
        {words('action.save')}
      </Button>
      <Saved isSaved={isSaved} />
    </form>
  );
}

type TextName = Exclude<keyof ShownLook, 'consoleTab' | 'welcome' | 'colorIcon' | 'outlineIcon'>;

/** What the form shows: a value that is not set is empty. */
const valuesOf = ({ colorIcon, outlineIcon, websiteUrl, privacyUrl, termsOfUseUrl, ...set }: Look) => ({
  ...set,
  colorIcon: colorIcon ?? '',
  outlineIcon: outlineIcon ?? '',
  websiteUrl: websiteUrl ?? '',
  privacyUrl: privacyUrl ?? '',
  termsOfUseUrl: termsOfUseUrl ?? '',
});
