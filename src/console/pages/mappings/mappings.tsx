import { Button, Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { goTo, linkTo, usePlace } from '../../location.ts';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { EnterpriseFilter } from '../../parts/forms/enterprise-choice.tsx';
import { ChoiceFilter, Filters, TextFilter } from '../../parts/lists/filters.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { may, mayImport } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';

const MAPPINGS = graphql(`
  query Mappings($first: Int, $after: String, $last: Int, $before: String, $filter: MappingFilter, $orderBy: MappingOrder) {
    mappings(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      nodes { sid name microsoftAddress externalAddress operational dateCreated enterprise { sid name } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);
const CREATE = graphql(`
  mutation CreateMapping($input: CreateMappingInput!) {
    createMapping(input: $input) {
      ... on CreateMappingSuccess { mapping { sid enterprise { sid mappingCount } } }
      ... on Error { code message path }
    }
  }
`);

type MappingRow = ResultOf<typeof MAPPINGS>['mappings']['nodes'][number];

export default function Mappings() {
  const words = useWords();
  const { parameters } = usePlace();
  const [isCreating, setCreating] = useState(false);
  const operational = parameters.get('operational');
  const columns: Column<MappingRow>[] = [
    { title: words('field.name'), sort: 'NAME', cell: ({ sid, name }) => <Link href={linkTo(`/mappings/${sid}`)}>{name}</Link> },
    { title: words('field.teamsUser'), sort: 'MICROSOFT_ADDRESS', cell: ({ microsoftAddress }) => microsoftAddress },
    { title: words('field.number'), sort: 'EXTERNAL_ADDRESS', isWhole: true, cell: ({ externalAddress }) => externalAddress },
    {
      title: words('field.enterprise'),
      cell: ({ enterprise }) => <Link href={linkTo(`/enterprises/${enterprise.sid}`)}>{enterprise.name}</Link>,
    },
    { title: words('field.operational'), cell: (mapping) => words(mapping.operational ? 'mapping.operational' : 'mapping.notOperational') },
    { title: words('field.created'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
  ];
  const create = may('WRITE') && (
    <>
      {mayImport() && (
        <Button onClick={() => goTo('/mapping-import', { enterprise: parameters.get('enterprise') ?? undefined })}>
          {words('import.title')}
        </Button>
      )}
      <Button appearance="primary" onClick={() => setCreating(true)}>
        {words('mapping.create')}
      </Button>
    </>
  );
  return (
    <Page title={words('nav.mappings')} actions={create}>
      <Filters>
        <TextFilter name="name" label={words('field.name')} />
        <TextFilter name="user" label={words('field.teamsUser')} />
        <TextFilter name="number" label={words('field.number')} />
        <EnterpriseFilter />
        <ChoiceFilter
          name="operational"
          label={words('field.operational')}
          choices={[
            ['yes', words('mapping.operational')],
            ['no', words('mapping.notOperational')],
          ]}
        />
      </Filters>
      <List
        document={MAPPINGS}
        variables={{
          filter: {
            name: parameters.get('name') || undefined,
            microsoftAddress: parameters.get('user') || undefined,
            externalAddress: parameters.get('number') || undefined,
            enterpriseSid: parameters.get('enterprise') || undefined,
            operational: operational === 'yes' || operational === 'no' ? operational === 'yes' : undefined,
          },
        }}
        connectionOf={({ mappings }) => mappings}
        caption={words('nav.mappings')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'NAME', direction: 'ASC' }}
        types={['Mapping']}
        empty={
          <EmptyList title={words('mapping.noneYet')}>
            <p>{words('mapping.noneYetText')}</p>
          </EmptyList>
        }
      />
      {isCreating && <CreateMapping enterpriseSid={parameters.get('enterprise') ?? undefined} onClose={() => setCreating(false)} />}
    </Page>
  );
}

function CreateMapping({ enterpriseSid: given, onClose }: { readonly enterpriseSid?: string; readonly onClose: () => void }) {
  const words = useWords();
  const create = usePerform(CREATE);
  return (
    <FormDialog
      title={words('mapping.create')}
      submitLabel={words('action.create')}
      asked={[
        { name: 'enterpriseSid', isEnterprise: true, value: given },
        { name: 'microsoftAddress', label: words('field.teamsUser'), hint: words('mapping.userHint') },
        { name: 'externalAddress', label: words('field.number'), type: 'tel', hint: words('mapping.numberHint') },
        { name: 'name', label: words('field.displayName'), isOptional: true },
      ]}
      onSubmit={async ({ enterpriseSid = '', microsoftAddress = '', externalAddress = '', name }) => {
        const { problem, success } = await create({ enterpriseSid, microsoftAddress, externalAddress, name });
        return problem ?? (() => goTo(`/mappings/${success.mapping.sid}`));
      }}
      onClose={onClose}
    />
  );
}
