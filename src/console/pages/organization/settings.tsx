import { Button, Checkbox, Field, Input, makeStyles, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { FileField } from '../../parts/forms/file-field.tsx';
import { Saved } from '../../parts/forms/saved.tsx';
import { useSavedForm } from '../../parts/forms/saved-form.ts';
import { One } from '../../parts/one.tsx';
import { Page } from '../../parts/page.tsx';
import { ProblemBar } from '../../parts/states.tsx';
import { rebrand } from '../../session/session.ts';
import { useWords } from '../../words/words.tsx';

const ORGANIZATION = graphql(`
  query Organization {
    organization { sid name displayName accentColor logo features }
  }
`);
const UPDATE = graphql(`
  mutation UpdateOrganization($input: UpdateOrganizationInput!) {
    updateOrganization(input: $input) {
      ... on UpdateOrganizationSuccess { organization { sid name displayName accentColor logo features } }
      ... on Error { code message path }
    }
  }
`);

const FEATURES = ['ADMIN_IMPORT', 'ADMIN_EXPORT'] as const;
const IMAGES = 'image/png,image/jpeg,image/webp,image/svg+xml';
/** The longest `data:` URL that the graph accepts. */
const MAX_LOGO = 65_536;

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '16px', maxWidth: '560px', alignItems: 'stretch' },
  group: { border: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '12px' },
  legend: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, fontWeight: 'bold', padding: '8px 0' },
  sample: { display: 'inline-block', width: '16px', height: '16px', borderRadius: tokens.borderRadiusSmall },
  logo: { maxHeight: '56px', maxWidth: '320px', objectFit: 'contain', alignSelf: 'flex-start' },
  end: { alignSelf: 'flex-start' },
});

type Organization = ResultOf<typeof ORGANIZATION>['organization'];

/** What the organization is called, looks like to its customers, and lets their administrators do. */
export default function Settings() {
  const words = useWords();
  return (
    <Page title={words('nav.settings')}>
      <One document={ORGANIZATION} variables={{}} isFresh thingOf={({ organization }) => organization} missing="nav.unknown">
        {(organization) => <SettingsForm organization={organization} />}
      </One>
    </Page>
  );
}

function SettingsForm({ organization }: { readonly organization: Organization }) {
  const words = useWords();
  const styles = useStyles();
  const update = usePerform(UPDATE);
  const { values, set, problem, messageAt, isBusy, isSaved, submitBy } = useSavedForm(valuesOf(organization));
  const submit = submitBy(async (changes) => {
    const { problem: found, success } = await update(changes);
    if (!success) return found;
    rebrand(success.organization);
    return { saved: valuesOf(success.organization) };
  });

  return (
    <form className={styles.form} onSubmit={submit}>
      {problem && <ProblemBar problem={problem} />}
      <Field label={words('settings.name')} required validationMessage={messageAt('name')}>
        <Input value={values.name} onChange={(_, { value }) => set({ name: value })} />
      </Field>
      <fieldset className={styles.group}>
        <legend className={styles.legend}>{words('settings.branding')}</legend>
        <Field label={words('settings.displayName')} hint={words('settings.displayNameHint')} validationMessage={messageAt('displayName')}>
          <Input value={values.displayName} onChange={(_, { value }) => set({ displayName: value })} />
        </Field>
        <Field label={words('settings.accentColor')} hint={words('settings.accentColorHint')} validationMessage={messageAt('accentColor')}>
          <Input
            value={values.accentColor}
            contentBefore={<span className={styles.sample} style={{ backgroundColor: values.accentColor || 'transparent' }} />}
            onChange={(_, { value }) => set({ accentColor: value })}
          />
        </Field>
        <Logo logo={values.logo} message={messageAt('logo')} onChange={(logo) => set({ logo })} />
      </fieldset>
      <fieldset className={styles.group}>
        <legend className={styles.legend}>{words('settings.features')}</legend>
        {FEATURES.map((feature) => (
          <Checkbox
            key={feature}
            label={words(`settings.${feature}`)}
            checked={values.features.includes(feature)}
            onChange={(_, { checked }) =>
              set({ features: FEATURES.filter((one) => (one === feature ? checked : values.features.includes(one))) })
            }
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

/** What the form shows: a value that is not set is empty. */
const valuesOf = ({ name, displayName, accentColor, logo, features }: Organization) => ({
  name,
  displayName: displayName ?? '',
  accentColor: accentColor ?? '',
  logo: logo ?? '',
  features: [...features],
});

interface LogoProps {
  readonly logo: string;
  readonly message: string | undefined;
  readonly onChange: (logo: string) => void;
}

/** Chooses an image, which becomes a `data:` URL: the page's policy loads nothing from other hosts. */
function Logo({ logo, message, onChange }: LogoProps) {
  const words = useWords();
  const styles = useStyles();
  const [isTooLarge, setTooLarge] = useState(false);

  function choose(file: File | undefined) {
    if (!file) return;
    const reader = new FileReader();
    reader.onload = () => {
      const url = String(reader.result);
      setTooLarge(url.length > MAX_LOGO);
      if (url.length <= MAX_LOGO) onChange(url);
    };
    reader.readAsDataURL(file);
  }

  return (
    <>
      <FileField
        label={words('settings.logo')}
        hint={words('settings.logoHint')}
        message={isTooLarge ? words('settings.logoTooLarge') : message}
        accept={IMAGES}
        onFile={choose}
      />
      {logo.startsWith('data:') ? <img className={styles.logo} src={logo} alt={words('settings.logo')} /> : logo && <span>{logo}</span>}
      {logo && (
        <Button className={styles.end} onClick={() => onChange('')}>
          {words('settings.logoRemove')}
        </Button>
      )}
    </>
  );
}
