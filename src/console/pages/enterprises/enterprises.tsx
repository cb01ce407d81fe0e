import { Button, Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { goTo, linkTo, usePlace } from '../../location.ts';
import { Status } from '../../parts/badges.tsx';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { ChoiceFilter, Filters, TextFilter } from '../../parts/lists/filters.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { isProvider, may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';

const ENTERPRISES = graphql(`
  query Enterprises($first: Int, $after: String, $last: Int, $before: String, $filter: EnterpriseFilter, $orderBy: EnterpriseOrder) {
    enterprises(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      nodes { sid name status dateCreated mappingCount admin { email } bot { sid } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);
const CREATE = graphql(`
  mutation CreateEnterprise($input: CreateEnterpriseInput!) {
    createEnterprise(input: $input) {
      ... on CreateEnterpriseSuccess { enterprise { sid } }
      ... on Error { code message path }
    }
  }
`);

const STATUSES = ['ACTIVE', 'INACTIVE', 'CLOSED'] as const;
type EnterpriseRow = ResultOf<typeof ENTERPRISES>['enterprises']['nodes'][number];

export default function Enterprises() {
  const words = useWords();
  const { parameters } = usePlace();
  const [isCreating, setCreating] = useState(false);
  const status = STATUSES.find((one) => one === parameters.get('status'));
  const columns: Column<EnterpriseRow>[] = [
    { title: words('field.name'), sort: 'NAME', cell: ({ sid, name }) => <Link href={linkTo(`/enterprises/${sid}`)}>{name}</Link> },
    { title: words('field.status'), cell: ({ status: now }) => <Status status={now} /> },
    { title: words('field.admin'), cell: ({ admin }) => admin.email },
    {
      title: words('nav.mappings'),
      isNumber: true,
      cell: ({ sid, mappingCount }) => <Link href={linkTo('/mappings', { enterprise: sid })}>{words.number(mappingCount)}</Link>,
    },
    {
      title: words('field.bot'),
      cell: ({ bot }) => (bot ? <Link href={linkTo(`/bots/${bot.sid}`)}>{words('bot.isSetUp')}</Link> : words('bot.none')),
    },
    { title: words('field.created'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
  ];
  const create = may('WRITE') && isProvider() && (
    <Button appearance="primary" onClick={() => setCreating(true)}>
      {words('enterprise.create')}
    </Button>
  );
  return (
    <Page title={words('nav.enterprises')} actions={create}>
      <Filters>
        <TextFilter name="name" label={words('field.name')} />
        <ChoiceFilter name="status" label={words('field.status')} choices={STATUSES.map((one) => [one, wordFor(words, 'status', one)])} />
      </Filters>
      <List
        document={ENTERPRISES}
        variables={{ filter: { name: parameters.get('name') || undefined, statuses: status && [status] } }}
        connectionOf={({ enterprises }) => enterprises}
        caption={words('nav.enterprises')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'NAME', direction: 'ASC' }}
        types={['Enterprise']}
        empty={
          <EmptyList title={words('enterprise.noneYet')}>
            <p>{words('enterprise.noneYetText')}</p>
          </EmptyList>
        }
      />
      {isCreating && <CreateEnterprise onClose={() => setCreating(false)} />}
    </Page>
  );
}

function CreateEnterprise({ onClose }: { readonly onClose: () => void }) {
  const words = useWords();
  const create = usePerform(CREATE);
  return (
    <FormDialog
      title={words('enterprise.create')}
      submitLabel={words('action.create')}
      asked={[
        { name: 'name', label: words('field.name') },
        { name: 'email', label: words('field.adminEmail'), type: 'email' },
        { name: 'adminName', label: words('field.adminName'), isOptional: true },
        { name: 'password', label: words('field.adminPassword'), type: 'password', hint: words('enterprise.passwordHint') },
      ]}
      onSubmit={async ({ name = '', email = '', adminName, password = '' }) => {
        const { problem, success } = await create({ name, enterpriseAdmin: { email, name: adminName, password } });
        return problem ?? (() => goTo(`/enterprises/${success.enterprise.sid}`));
      }}
      onClose={onClose}
    />
  );
}
