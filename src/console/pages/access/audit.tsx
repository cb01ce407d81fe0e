import { Link } from '@fluentui/react-components';
import type { ResultOf, VariablesOf } from 'gql.tada';
import { graphql } from '../../graph/graphql.ts';
import { linkTo, usePlace } from '../../location.ts';
import { ChoiceFilter, Filters, TextFilter } from '../../parts/lists/filters.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { en } from '../../words/en.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';

const AUDIT = graphql(`
  query AuditLog($first: Int, $after: String, $last: Int, $before: String, $filter: AuditFilter, $orderBy: AuditRecordOrder) {
    auditLog(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      nodes {
        sid action dateCreated accountSid adminSid accessTokenSid targetSid remoteAddress requestId
        account { sid friendlyName }
        admin { sid email }
      }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);

type AuditRow = NonNullable<ResultOf<typeof AUDIT>['auditLog']>['nodes'][number];
type Action = NonNullable<NonNullable<VariablesOf<typeof AUDIT>['filter']>['actions']>[number];

const ACTIONS = Object.keys(en)
  .filter((key) => key.startsWith('audit.'))
  .map((key) => key.slice('audit.'.length) as Action);

/** The page of what a record was about, where the console has one. The audit log knows only the sid; its action says of what. */
function targetOf({ action, targetSid }: AuditRow) {
  if (action === 'ENTERPRISE_CREATE' || action === 'ENTERPRISE_UPDATE' || action === 'ENTERPRISE_CLOSE')
    return linkTo(`/enterprises/${targetSid}`);
  if (action === 'BOT_CREATE' || action === 'BOT_UPDATE' || action === 'BOT_VERIFY') return linkTo(`/bots/${targetSid}`);
  if (action === 'MAPPING_CREATE' || action === 'MAPPING_UPDATE') return linkTo(`/mappings/${targetSid}`);
  return undefined;
}

/** Who did it: the enterprise's administrator, or else the account, whose sid shows when it is pointed at. One that is deleted has only the sid. */
function Actor({ record: { admin, adminSid, account, accountSid } }: { readonly record: AuditRow }) {
  const words = useWords();
  const sid = adminSid ?? accountSid;
  if (!sid) return words('auditLog.operator');
  const name = adminSid ? admin?.email : account?.friendlyName;
  return <span title={sid}>{name ?? sid}</span>;
}

export default function Audit() {
  const words = useWords();
  const { parameters } = usePlace();
  const chosen = ACTIONS.find((action) => action === parameters.get('action'));
  const columns: Column<AuditRow>[] = [
    { title: words('field.time'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
    { title: words('field.action'), cell: ({ action }) => wordFor(words, 'audit', action) },
    { title: words('field.by'), cell: (record) => <Actor record={record} /> },
    {
      title: words('field.target'),
      isCode: true,
      cell: (record) => {
        const link = targetOf(record);
        return link ? <Link href={link}>{record.targetSid}</Link> : record.targetSid;
      },
    },
    { title: words('field.remoteAddress'), cell: ({ remoteAddress }) => remoteAddress ?? '–' },
  ];
  return (
    <Page title={words('nav.audit')}>
      <Filters>
        <ChoiceFilter
          name="action"
          label={words('field.action')}
          choices={ACTIONS.map((action) => [action, wordFor(words, 'audit', action)])}
        />
        <TextFilter name="target" label={words('field.targetSid')} />
      </Filters>
      <List
        document={AUDIT}
        variables={{ filter: { actions: chosen && [chosen], targetSid: parameters.get('target') || undefined } }}
        connectionOf={({ auditLog }) => auditLog}
        caption={words('nav.audit')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'DATE_CREATED', direction: 'DESC' }}
        types={['AuditRecord']}
        empty={<EmptyList title={words('auditLog.none')} />}
      />
    </Page>
  );
}
