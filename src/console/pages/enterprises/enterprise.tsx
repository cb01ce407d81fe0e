import { Button, Checkbox, Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { Status } from '../../parts/badges.tsx';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { isProvider, may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';
import { AdminActions } from './admin-actions.tsx';
import { Unlink } from './unlink.tsx';

const ENTERPRISE = graphql(`
  query Enterprise($sid: ID!) {
    enterprise(sid: $sid) {
      sid name status dateCreated dateUpdated accountEmail mappingCount messageCount messageCountIsExact
      admin { sid email name status dateMicrosoftLinked }
      bot { sid applicationId }
    }
  }
`);
const UPDATE = graphql(`
  mutation UpdateEnterprise($input: UpdateEnterpriseInput!) {
    updateEnterprise(input: $input) {
      ... on UpdateEnterpriseSuccess { enterprise { sid name status } }
      ... on Error { code message path }
    }
  }
`);
const CLOSE = graphql(`
  mutation CloseEnterprise($input: CloseEnterpriseInput!) {
    closeEnterprise(input: $input) {
      ... on CloseEnterpriseSuccess { enterprise { sid status mappingCount bot { sid } } }
      ... on Error { code message path }
    }
  }
`);

type EnterpriseData = NonNullable<ResultOf<typeof ENTERPRISE>['enterprise']>;

export default function Enterprise({ sid }: { readonly sid: string }) {
  return (
    <One document={ENTERPRISE} variables={{ sid }} thingOf={({ enterprise }) => enterprise} missing="error.ENTERPRISE_NOT_FOUND">
      {(enterprise, reload) => <EnterprisePage enterprise={enterprise} onChange={reload} />}
    </One>
  );
}

function EnterprisePage({ enterprise, onChange }: { readonly enterprise: EnterpriseData; readonly onChange: () => void }) {
  const words = useWords();
  const { sid, admin, bot, status } = enterprise;
  const actions = may('WRITE') && status !== 'CLOSED' && (
    <>
      <Actions enterprise={enterprise} />
      <AdminActions enterprise={enterprise} onChange={onChange} />
      {admin.dateMicrosoftLinked && <Unlink enterprise={enterprise} />}
    </>
  );
  return (
    <Page title={enterprise.name} actions={actions}>
      <Facts
        facts={[
          [words('field.status'), <Status key="status" status={enterprise.status} />],
          ['SID', enterprise.sid],
          [words('field.admin'), admin.name ? `${admin.name}, ${admin.email}` : admin.email],
          ...(admin.dateMicrosoftLinked
            ? [[words('admin.teamsSince'), <Time key="linked" value={admin.dateMicrosoftLinked} />] as const]
            : []),
          [
            words('nav.mappings'),
            <Link key="mappings" href={linkTo('/mappings', { enterprise: sid })}>
              {words.number(enterprise.mappingCount)}
            </Link>,
          ],
          [words('field.bot'), <BotLink key="bot" bot={bot} enterprise={enterprise} />],
          [words('nav.messages'), `${enterprise.messageCountIsExact ? '' : '≥ '}${words.number(enterprise.messageCount)}`],
          [words('field.createdBy'), enterprise.accountEmail],
          [words('field.created'), <Time key="created" value={enterprise.dateCreated} />],
          [words('field.updated'), <Time key="updated" value={enterprise.dateUpdated} />],
        ]}
      />
    </Page>
  );
}

function BotLink({ bot, enterprise: { sid, status } }: { readonly bot: EnterpriseData['bot']; readonly enterprise: EnterpriseData }) {
  const words = useWords();
  if (bot) return <Link href={linkTo(`/bots/${bot.sid}`)}>{bot.applicationId}</Link>;
  if (!may('WRITE') || status === 'CLOSED') return words('bot.none');
  return <Link href={linkTo('/bot-setup', { enterprise: sid })}>{words('bot.setUp')}</Link>;
}

function Actions({ enterprise }: { readonly enterprise: EnterpriseData }) {
  const words = useWords();
  const [dialog, setDialog] = useState<'edit' | 'switch' | 'close'>();
  const close = () => setDialog(undefined);
  const isActive = enterprise.status === 'ACTIVE';
  return (
    <>
      <Button onClick={() => setDialog('edit')}>{words('action.rename')}</Button>
      {isProvider() && (
        <>
          <Button onClick={() => setDialog('switch')}>{words(isActive ? 'enterprise.deactivate' : 'enterprise.activate')}</Button>
          <Button onClick={() => setDialog('close')}>{words('enterprise.close')}</Button>
        </>
      )}
      {dialog === 'edit' && <Rename enterprise={enterprise} onClose={close} />}
      {dialog === 'switch' && <Switch enterprise={enterprise} onClose={close} />}
      {dialog === 'close' && <Close enterprise={enterprise} onClose={close} />}
    </>
  );
}

interface DialogProps {
  readonly enterprise: EnterpriseData;
  readonly onClose: () => void;
}

function Rename({ enterprise: { sid, name }, onClose }: DialogProps) {
  const words = useWords();
  const update = usePerform(UPDATE);
  return (
    <FormDialog
      title={words('action.rename')}
      submitLabel={words('action.save')}
      asked={[{ name: 'name', label: words('field.name'), value: name }]}
      onSubmit={async (values) => (await update({ sid, name: values.name })).problem}
      onClose={onClose}
    />
  );
}

function Switch({ enterprise: { sid, status, name }, onClose }: DialogProps) {
  const words = useWords();
  const update = usePerform(UPDATE);
  const isActive = status === 'ACTIVE';
  const action = words(isActive ? 'enterprise.deactivate' : 'enterprise.activate');
  return (
    <FormDialog
      title={`${action}: ${name}`}
      submitLabel={action}
      asked={[]}
      onSubmit={async () => (await update({ sid, status: isActive ? 'INACTIVE' : 'ACTIVE' })).problem}
      onClose={onClose}
    >
      {words(isActive ? 'enterprise.deactivateText' : 'enterprise.activateText')}
    </FormDialog>
  );
}

function Close({ enterprise: { sid, name, mappingCount }, onClose }: DialogProps) {
  const words = useWords();
  const run = usePerform(CLOSE);
  const [deleteMappings, setDeleteMappings] = useState(false);
  return (
    <FormDialog
      title={`${words('enterprise.close')}: ${name}`}
      submitLabel={words('enterprise.close')}
      asked={[]}
      onSubmit={async () => (await run({ sid, deleteMappings })).problem}
      onClose={onClose}
    >
      <p>{words('enterprise.closeText')}</p>
      {mappingCount > 0 && (
        <Checkbox
          label={words('enterprise.deleteMappings', { count: mappingCount })}
          checked={deleteMappings}
          onChange={(_, { checked }) => setDeleteMappings(checked === true)}
        />
      )}
    </FormDialog>
  );
}
