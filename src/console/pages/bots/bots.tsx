import { Button, Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { goTo, linkTo, usePlace } from '../../location.ts';
import { HealthStatus } from '../../parts/badges.tsx';
import { EnterpriseFilter } from '../../parts/forms/enterprise-choice.tsx';
import { ChoiceFilter, Filters } from '../../parts/lists/filters.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';
import { useHealthNews } from './health-news.ts';

const BOTS = graphql(`
  query Bots($first: Int, $after: String, $last: Int, $before: String, $filter: BotFilter, $orderBy: BotOrder) {
    bots(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      nodes { sid applicationId tenantId dateCreated enterprise { sid name } health { status } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);

type BotRow = ResultOf<typeof BOTS>['bots']['nodes'][number];

export default function Bots() {
  const words = useWords();
  const { parameters } = usePlace();
  const [news, setNews] = useState(0);
  useHealthNews(() => setNews((count) => count + 1));
  const columns: Column<BotRow>[] = [
    {
      title: words('bot.application'),
      isCode: true,
      cell: ({ sid, applicationId }) => <Link href={linkTo(`/bots/${sid}`)}>{applicationId}</Link>,
    },
    { title: words('bot.tenant'), isCode: true, cell: ({ tenantId }) => tenantId },
    {
      title: words('field.enterprise'),
      cell: ({ enterprise }) => <Link href={linkTo(`/enterprises/${enterprise.sid}`)}>{enterprise.name}</Link>,
    },
    { title: words('botHealth.title'), cell: ({ health }) => <HealthStatus status={health.status} /> },
    { title: words('field.created'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
  ];
  const create = may('WRITE') && (
    <Button appearance="primary" onClick={() => goTo('/bot-setup')}>
      {words('bot.setUp')}
    </Button>
  );
  return (
    <Page title={words('nav.bots')} actions={create}>
      <Filters>
        <EnterpriseFilter />
        <ChoiceFilter name="unhealthy" label={words('botHealth.filter')} choices={[['yes', words('botHealth.unhealthyOnly')]]} />
      </Filters>
      <List
        document={BOTS}
        variables={{
          filter: {
            enterpriseSid: parameters.get('enterprise') || undefined,
            unhealthy: parameters.get('unhealthy') === 'yes' || undefined,
          },
        }}
        news={news}
        connectionOf={({ bots }) => bots}
        caption={words('nav.bots')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'DATE_CREATED', direction: 'DESC' }}
        types={['Bot']}
        empty={
          <EmptyList title={words('bot.noneYet')}>
            <p>{words('bot.noneYetText')}</p>
          </EmptyList>
        }
      />
    </Page>
  );
}
