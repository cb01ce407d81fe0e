import { Button, Card, Link, MessageBar, MessageBarBody, makeStyles, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { type ReactNode, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graph/graphql.ts';
import { usePerform } from '../graph/perform.ts';
import { linkTo } from '../location.ts';
import { MessageDialog } from '../parts/message-dialog.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, type Problem, ProblemBar, problemOf } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { may } from '../session/session.ts';
import { Time } from '../words/times.tsx';
import { useSpeech, useWords, wordFor } from '../words/words.tsx';

const OVERVIEW = graphql(`
  query Overview($today: DateTime!, $month: DateTime!) {
    today: messages(first: 0, filter: { createdFrom: $today }) { totalCount totalCountIsExact }
    todayFailed: messages(first: 0, filter: { createdFrom: $today, statuses: [FAILED, UNDELIVERED] }) { totalCount totalCountIsExact }
    month: messages(first: 0, filter: { createdFrom: $month }) { totalCount totalCountIsExact }
    monthFailed: messages(first: 0, filter: { createdFrom: $month, statuses: [FAILED, UNDELIVERED] }) { totalCount totalCountIsExact }
    stuck: messages(first: 20, filter: { stuck: true }, orderBy: { field: DATE_CREATED, direction: DESC }) {
      totalCount
      totalCountIsExact
      nodes { sid from to body dateCreated waiting { reason cure since } enterprise { sid name } }
    }
  }
`);
const RETRY_ALL = graphql(`
  mutation RetryMessages($input: RetryMessagesInput!) {
    retryMessages(input: $input) {
      ... on RetryMessagesSuccess { count hasMore }
      ... on Error { code message path }
    }
  }
`);
const CONTEXT = { additionalTypenames: ['Message'] };
const DAY = 24 * 60 * 60 * 1000;

const useStyles = makeStyles({
  cards: { display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(160px, 1fr))', gap: '12px', marginBottom: '24px' },
  number: { fontSize: tokens.fontSizeHero700, lineHeight: tokens.lineHeightHero700, fontWeight: tokens.fontWeightSemibold, margin: 0 },
  label: { margin: 0, color: tokens.colorNeutralForeground2 },
  head: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'center', marginBottom: '12px' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, margin: 0, flexGrow: 1 },
});

interface Count {
  readonly totalCount: number;
  readonly totalCountIsExact: boolean;
}
type StuckMessage = ResultOf<typeof OVERVIEW>['stuck']['nodes'][number];

export default function Overview() {
  const words = useWords();
  const styles = useStyles();
  const since = useMemo(() => {
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    return { today: midnight.toISOString(), month: new Date(midnight.getTime() - 30 * DAY).toISOString() };
  }, []);
  const [{ data, error, fetching }, reload] = useQuery({ query: OVERVIEW, variables: since, context: CONTEXT });
  const again = () => reload({ requestPolicy: 'network-only' });
  return (
    <Page title={words('nav.overview')} actions={<Button onClick={again}>{words('action.refresh')}</Button>}>
      {error && <ProblemBar problem={problemOf(error)} onRetry={again} />}
      {!data && fetching && <Loading />}
      {data && (
        <>
          <div className={styles.cards}>
            <Tile label={words('overview.today')} count={data.today} link={linkTo('/messages')} />
            <Tile label={words('overview.todayFailed')} count={data.todayFailed} link={linkTo('/messages', { status: 'FAILED' })} />
            <Tile label={words('overview.month')} count={data.month} />
            <Tile label={words('overview.monthFailed')} count={data.monthFailed} />
          </div>
          <Stuck stuck={data.stuck} onChange={again} />
        </>
      )}
    </Page>
  );
}

/** One number. Of more than 100,000 messages, it is the least that it can be. */
function Tile({
  label,
  count: { totalCount, totalCountIsExact },
  link,
}: {
  readonly label: string;
  readonly count: Count;
  readonly link?: string;
}) {
  const styles = useStyles();
  const { language } = useSpeech();
  const text = `${totalCountIsExact ? '' : '≥ '}${totalCount.toLocaleString(language)}`;
  return (
    <Card>
      <p className={styles.number}>{link ? <Link href={link}>{text}</Link> : text}</p>
      <p className={styles.label}>{label}</p>
    </Card>
  );
}

function Stuck({ stuck, onChange }: { readonly stuck: ResultOf<typeof OVERVIEW>['stuck']; readonly onChange: () => void }) {
  const words = useWords();
  const styles = useStyles();
  const [open, setOpen] = useState<string>();
  const columns: Column<StuckMessage>[] = [
    { title: words('field.since'), cell: ({ waiting, dateCreated }) => <Time value={waiting?.since ?? dateCreated} /> },
    {
      title: words('field.text'),
      cell: ({ sid, body }) => (
        <Link as="button" onClick={() => setOpen(sid)}>
          {body || words('message.title')}
        </Link>
      ),
    },
    { title: words('field.to'), cell: ({ to }) => to },
    { title: words('field.enterprise'), cell: ({ enterprise: { sid, name } }) => <Link href={linkTo(`/enterprises/${sid}`)}>{name}</Link> },
    {
      title: words('overview.why'),
      cell: ({ waiting }) => waiting && `${wordFor(words, 'hold', waiting.reason)}. ${waiting.cure}`,
    },
  ];
  return (
    <section aria-label={words('overview.stuck')}>
      <div className={styles.head}>
        <h2 className={styles.title}>
          {words('overview.stuck')} ({stuck.totalCountIsExact ? '' : '≥ '}
          {stuck.totalCount})
        </h2>
        <Link href={linkTo('/messages', { stuck: 'yes' })}>{words('overview.stuckAll')}</Link>
        {may('WRITE') && stuck.totalCount > 0 && <RetryAll onChange={onChange} />}
      </div>
      {stuck.nodes.length === 0 ? (
        <Empty title={words('overview.noneStuck')} />
      ) : (
        <Table caption={words('overview.stuck')} columns={columns} nodes={stuck.nodes} keyOf={({ sid }) => sid} />
      )}
      {open && (
        <MessageDialog
          sid={open}
          onClose={() => {
            setOpen(undefined);
            onChange();
          }}
        />
      )}
    </section>
  );
}

/** Sends all stuck messages again, in as many runs as it takes. */
function RetryAll({ onChange }: { readonly onChange: () => void }) {
  const words = useWords();
  const retry = usePerform(RETRY_ALL);
  const [state, setState] = useState<'idle' | 'busy' | { readonly count: number } | Problem>('idle');

  async function run() {
    setState('busy');
    let count = 0;
    for (let hasMore = true; hasMore; ) {
      const { problem, success } = await retry({ filter: { stuck: true } });
      if (problem) return setState(problem);
      const done = success as { readonly count: number; readonly hasMore: boolean };
      count += done.count;
      hasMore = done.hasMore && done.count > 0;
    }
    setState({ count });
    onChange();
  }

  const outcome: ReactNode =
    typeof state === 'string' ? null : 'count' in state ? (
      <MessageBar intent="success" role="status">
        <MessageBarBody>{words('overview.retried', { count: state.count })}</MessageBarBody>
      </MessageBar>
    ) : (
      <ProblemBar problem={state} />
    );
  return (
    <>
      <Button appearance="primary" disabled={state === 'busy'} onClick={run}>
        {words('overview.retryAll')}
      </Button>
      {outcome}
    </>
  );
}
