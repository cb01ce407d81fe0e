import { Field, Input, Radio, RadioGroup, Select } from '@fluentui/react-components';
import { FileField } from '../../parts/forms/file-field.tsx';
import { midnightOf } from '../../words/days.ts';
import { useWords } from '../../words/words.tsx';

export const CLOUDS = ['COMMERCIAL', 'GCC', 'GCC_HIGH', 'DOD', 'CHINA'] as const;
export const AUTHORITIES = ['TENANT', 'HOME', 'MULTI_TENANT'] as const;

/** The cloud and login of a bot's application, and its credential. */
export interface BotPlace {
  readonly cloud: (typeof CLOUDS)[number];
  readonly authority: (typeof AUTHORITIES)[number];
  readonly homeTenantId: string;
  readonly credential: 'SECRET' | 'CERTIFICATE';
  readonly clientSecret: string;
  /** A day; empty if it is not known. */
  readonly dateClientSecretExpires: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export const FIRST_PLACE: BotPlace = {
  ...{ cloud: 'COMMERCIAL', authority: 'TENANT', homeTenantId: '' },
  ...{ credential: 'SECRET', clientSecret: '', dateClientSecretExpires: '', certificate: '', privateKey: '' },
};

/** The fields of it that are sent. */
export function inputOf(place: BotPlace) {
  const { cloud, authority, homeTenantId, credential, clientSecret, certificate, privateKey } = place;
  const dateClientSecretExpires = midnightOf(place.dateClientSecretExpires)?.toISOString();
  return {
    ...{ cloud, authority },
    ...(authority === 'HOME' && { homeTenantId }),
    ...(credential === 'SECRET' ? { clientSecret, dateClientSecretExpires } : { certificate, privateKey }),
  };
}

export const isPlaced = ({ authority, homeTenantId }: BotPlace): boolean => authority !== 'HOME' || homeTenantId.trim() !== '';

export const hasCredential = ({ credential, clientSecret, certificate, privateKey }: BotPlace): boolean =>
  credential === 'SECRET' ? clientSecret.trim() !== '' : certificate !== '' && privateKey !== '';

interface FieldsProps {
  readonly place: BotPlace;
  readonly onChange: (changed: Partial<BotPlace>) => void;
}

/** Fields for the cloud of the tenant, and the issuer of the bot's tokens. */
export function PlaceFields({ place, onChange }: FieldsProps) {
  const words = useWords();
  return (
    <>
      <Field label={words('botHealth.cloud')}>
        <Select value={place.cloud} onChange={(_, { value }) => onChange({ cloud: value as BotPlace['cloud'] })}>
          {CLOUDS.map((cloud) => (
            <option key={cloud} value={cloud}>
              {words(`cloud.${cloud}`)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={words('botWalk.authority')} hint={words('botWalk.authorityHint')}>
        <Select value={place.authority} onChange={(_, { value }) => onChange({ authority: value as BotPlace['authority'] })}>
          {AUTHORITIES.map((authority) => (
            <option key={authority} value={authority}>
              {words(`authority.${authority}`)}
            </option>
          ))}
        </Select>
      </Field>
      {place.authority === 'HOME' && (
        <Field label={words('botWalk.homeTenant')} required>
          <Input value={place.homeTenantId} autoComplete="off" onChange={(_, { value }) => onChange({ homeTenantId: value })} />
        </Field>
      )}
    </>
  );
}

/** Fields for a client secret, or for the files of a certificate and its private key. */
export function CredentialFields({ place, onChange }: FieldsProps) {
  const words = useWords();
  const read = (name: 'certificate' | 'privateKey') => async (file: File | undefined) =>
    onChange({ [name]: file ? await file.text() : '' });
  return (
    <>
      <Field label={words('botWalk.credential')}>
        <RadioGroup
          layout="horizontal"
          value={place.credential}
          onChange={(_, { value }) =>
            onChange({ credential: value as BotPlace['credential'], clientSecret: '', certificate: '', privateKey: '' })
          }
        >
          <Radio value="SECRET" label={words('bot.secret')} />
          <Radio value="CERTIFICATE" label={words('credential.CERTIFICATE')} />
        </RadioGroup>
      </Field>
      {place.credential === 'SECRET' ? (
        <>
          <Field label={words('botWalk.secretValue')} required>
            <Input
              type="password"
              value={place.clientSecret}
              autoComplete="off"
              onChange={(_, { value }) => onChange({ clientSecret: value })}
            />
          </Field>
          <Field label={words('credential.endsOn')} hint={words('credential.endsOnHint')}>
            <Input
              type="date"
              value={place.dateClientSecretExpires}
              onChange={(_, { value }) => onChange({ dateClientSecretExpires: value })}
            />
          </Field>
        </>
      ) : (
        <>
          <FileField
            label={words('botWalk.certificateFile')}
            hint={words('credential.certificateHint')}
            isRequired
            accept=".pem,.crt,.cer"
            onFile={read('certificate')}
          />
          <FileField
            label={words('botWalk.privateKeyFile')}
            hint={words('credential.privateKeyHint')}
            isRequired
            accept=".pem,.key"
            onFile={read('privateKey')}
          />
        </>
      )}
    </>
  );
}
