import { Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { graphql } from '../../graph/graphql.ts';
import { linkTo, usePlace } from '../../location.ts';
import { EnterpriseFilter } from '../../parts/forms/enterprise-choice.tsx';
import { ChoiceFilter, Filters, TextFilter } from '../../parts/lists/filters.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';
import { MappingFilter } from './mapping-filter.tsx';

const CONVERSATIONS = graphql(`
  query Conversations($first: Int, $after: String, $last: Int, $before: String, $filter: ConversationFilter, $orderBy: ConversationOrder) {
    conversations(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      nodes {
        sid phone lastMessageDate messagesFromPhone messagesFromTeams messagesFailed unansweredSince
        lastMessage { sid body }
        mapping { sid name }
        enterprise { sid name }
      }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);

type ConversationRow = ResultOf<typeof CONVERSATIONS>['conversations']['nodes'][number];

export default function Conversations() {
  const words = useWords();
  const { parameters } = usePlace();
  const unanswered = parameters.get('unanswered');
  const columns: Column<ConversationRow>[] = [
    {
      title: words('conversation.phone'),
      sort: 'PHONE',
      isWhole: true,
      cell: ({ sid, phone }) => <Link href={linkTo(`/conversations/${sid}`)}>{phone}</Link>,
    },
    {
      title: words('field.teamsUser'),
      cell: ({ mapping }) => mapping && <Link href={linkTo(`/mappings/${mapping.sid}`)}>{mapping.name}</Link>,
    },
    { title: words('field.enterprise'), cell: ({ enterprise }) => enterprise.name },
    { title: words('conversation.last'), cell: ({ lastMessage }) => lastMessage?.body },
    {
      title: words('nav.messages'),
      cell: (one) =>
        words('conversation.counts', { phone: one.messagesFromPhone, teams: one.messagesFromTeams, failed: one.messagesFailed }),
    },
    { title: words('conversation.unansweredSince'), cell: ({ unansweredSince }) => unansweredSince && <Time value={unansweredSince} /> },
    { title: words('field.time'), sort: 'LAST_MESSAGE', cell: ({ lastMessageDate }) => <Time value={lastMessageDate} /> },
  ];
  return (
    <Page title={words('nav.conversations')}>
      <Filters>
        <TextFilter name="phone" label={words('conversation.phone')} />
        <EnterpriseFilter />
        <MappingFilter />
        <ChoiceFilter
          name="unanswered"
          label={words('conversation.answered')}
          choices={[
            ['yes', words('conversation.waits')],
            ['no', words('conversation.isAnswered')],
          ]}
        />
      </Filters>
      <List
        document={CONVERSATIONS}
        variables={{
          filter: {
            phone: parameters.get('phone') || undefined,
            enterpriseSid: parameters.get('enterprise') || undefined,
            mappingSid: parameters.get('mapping') || undefined,
            unanswered: unanswered === 'yes' || unanswered === 'no' ? unanswered === 'yes' : undefined,
          },
        }}
        connectionOf={({ conversations }) => conversations}
        caption={words('nav.conversations')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'LAST_MESSAGE', direction: 'DESC' }}
        types={['Conversation']}
        empty={
          <EmptyList title={words('conversation.none')}>
            <p>{words('conversation.noneText')}</p>
          </EmptyList>
        }
      />
    </Page>
  );
}
