import { Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { EditAndDelete } from '../../parts/forms/edit-and-delete.tsx';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';

const MAPPING = graphql(`
  query Mapping($sid: ID!) {
    mapping(sid: $sid) {
      sid name microsoftAddress externalAddress operational accountEmail dateCreated dateUpdated
      enterprise { sid name status }
      teams { installed conversationKnown lastError }
    }
  }
`);
const UPDATE = graphql(`
  mutation UpdateMapping($input: UpdateMappingInput!) {
    updateMapping(input: $input) {
      ... on UpdateMappingSuccess { mapping { sid name } }
      ... on Error { code message path }
    }
  }
`);
const DELETE = graphql(`
  mutation DeleteMapping($input: DeleteMappingInput!) {
    deleteMapping(input: $input) {
      ... on DeleteMappingSuccess { mapping { sid enterprise { sid mappingCount } } }
      ... on Error { code message path }
    }
  }
`);

type MappingData = NonNullable<ResultOf<typeof MAPPING>['mapping']>;

export default function Mapping({ sid }: { readonly sid: string }) {
  return (
    <One document={MAPPING} variables={{ sid }} thingOf={({ mapping }) => mapping} missing="error.MAPPING_NOT_FOUND">
      {(mapping) => <MappingPage mapping={mapping} />}
    </One>
  );
}

function MappingPage({ mapping }: { readonly mapping: MappingData }) {
  const words = useWords();
  const { sid, enterprise } = mapping;
  return (
    <Page title={mapping.name} actions={may('WRITE') && <Actions mapping={mapping} />}>
      <Facts
        facts={[
          [words('field.teamsUser'), mapping.microsoftAddress],
          [words('field.number'), mapping.externalAddress],
          [words('field.operational'), words(whyOf(mapping))],
          [words('mapping.app'), words(appOf(mapping))],
          [words('mapping.chat'), words(mapping.teams.conversationKnown ? 'mapping.chatKnown' : 'mapping.chatUnknown')],
          ...(mapping.teams.lastError ? ([[words('mapping.lastError'), words.said(mapping.teams.lastError)]] as const) : []),
          [
            words('field.enterprise'),
            <Link key="enterprise" href={linkTo(`/enterprises/${enterprise.sid}`)}>
              {enterprise.name}
            </Link>,
          ],
          [
            words('nav.messages'),
            <Link key="messages" href={linkTo('/messages', { mapping: sid })}>
              {words('mapping.messages')}
            </Link>,
          ],
          ['SID', mapping.sid],
          [words('field.createdBy'), mapping.accountEmail],
          [words('field.created'), <Time key="created" value={mapping.dateCreated} />],
          [words('field.updated'), <Time key="updated" value={mapping.dateUpdated} />],
        ]}
      />
    </Page>
  );
}

/** Whether the user has the bot's app. */
function appOf({ teams: { installed } }: MappingData) {
  if (installed === null) return 'mapping.appUnknown';
  return installed ? 'mapping.appInstalled' : 'mapping.appNotInstalled';
}

/** Whether messages pass through a mapping, or why not. */
function whyOf({ operational, enterprise: { status } }: MappingData) {
  if (operational) return 'mapping.operational';
  return status === 'ACTIVE' ? 'mapping.notOperational' : 'mapping.enterpriseInactive';
}

function Actions({ mapping: { sid, name, microsoftAddress, externalAddress } }: { readonly mapping: MappingData }) {
  const words = useWords();
  const update = usePerform(UPDATE);
  const remove = usePerform(DELETE);
  return (
    <EditAndDelete
      asked={[
        { name: 'name', label: words('field.displayName'), value: name, isOptional: true },
        { name: 'microsoftAddress', label: words('field.teamsUser'), value: microsoftAddress },
        { name: 'externalAddress', label: words('field.number'), value: externalAddress, hint: words('mapping.newNumberHint') },
      ]}
      onEdit={async (values) => (await update({ sid, ...values })).problem}
      deleteTitle={`${words('action.delete')}: ${name}`}
      deleteText={words('mapping.deleteText')}
      onDelete={async () => (await remove({ sid })).problem}
      list="/mappings"
    />
  );
}
