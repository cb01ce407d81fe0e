import { Button, Link, MessageBar, MessageBarBody, makeStyles, tokens } from '@fluentui/react-components';
import { type ReactNode, useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { type Problem, ProblemBar } from '../../parts/states.tsx';
import { may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { OpenedMessage } from '../messages/opened-message.tsx';

const RETRY_ALL = graphql(`
  mutation RetryMessages($input: RetryMessagesInput!) {
    retryMessages(input: $input) {
      ... on RetryMessagesSuccess { count hasMore }
      ... on Error { code message path }
    }
  }
`);
const useStyles = makeStyles({
  section: { marginBottom: '24px' },
  head: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'center', marginBottom: '12px' },
  none: { margin: '8px 0', color: tokens.colorNeutralForeground2 },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, margin: 0, flexGrow: 1 },
});

interface StuckMessage {
  readonly sid: string;
  readonly to: string;
  readonly body: string;
  readonly dateCreated: string;
  readonly waiting: { readonly reason: string; readonly cure: string; readonly since: string } | null;
  readonly enterprise: { readonly sid: string; readonly name: string };
}

interface StuckProps {
  readonly stuck: { readonly nodes: readonly StuckMessage[]; readonly totalCount: number; readonly totalCountIsExact: boolean };
  readonly onChange: () => void;
}

/** Messages that wait for somebody, why, and ways to send them again. */
export function Stuck({ stuck, onChange }: StuckProps) {
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
      cell: ({ waiting }) =>
        waiting && `${wordFor(words, 'hold', waiting.reason)}. ${wordFor(words, 'holdCure', waiting.reason, waiting.cure)}`,
    },
  ];
  return (
    <section className={styles.section} aria-label={words('overview.stuck')}>
      <div className={styles.head}>
        <h2 className={styles.title}>
          {words('overview.stuck')} ({stuck.totalCountIsExact ? '' : '≥ '}
          {words.number(stuck.totalCount)})
        </h2>
        <Link href={linkTo('/messages', { stuck: 'yes' })}>{words('overview.stuckAll')}</Link>
        {may('WRITE') && <RetryAll isOffered={stuck.totalCount > 0} onChange={onChange} />}
      </div>
      {stuck.nodes.length === 0 ? (
        <p className={styles.none}>{words('overview.noneStuck')}</p>
      ) : (
        <Table caption={words('overview.stuck')} columns={columns} nodes={stuck.nodes} keyOf={({ sid }) => sid} />
      )}
      {open && (
        <OpenedMessage
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

/** Sends all stuck messages again, in as many runs as it takes. What came of it stays when none is stuck any more. */
function RetryAll({ isOffered, onChange }: { readonly isOffered: boolean; readonly onChange: () => void }) {
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
      {isOffered && (
        <Button appearance="primary" disabledFocusable={state === 'busy'} onClick={run}>
          {words('overview.retryAll')}
        </Button>
      )}
      {outcome}
    </>
  );
}
