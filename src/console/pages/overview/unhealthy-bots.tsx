import { Link, makeStyles, tokens } from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { graphql } from '../../graph/graphql.ts';
import { linkTo } from '../../location.ts';
import { HealthStatus, LiveState } from '../../parts/badges.tsx';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { type BotInNews, useHealthNews } from '../bots/health-news.ts';

const THERE = graphql(`
  query AreThere($ids: [ID!]!) {
    nodes(ids: $ids) { id }
  }
`);

const SHOWN = 10;
/** How often to check that the bots still exist, in ms: the stream of their health does not report deletions. */
const LOOK = 30_000;

const useStyles = makeStyles({
  section: { marginBottom: '24px' },
  // A short name is not broken for the sake of long sentences next to it.
  name: { display: 'inline-block', minWidth: '110px' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, margin: 0 },
});

const isUnhealthy = ({ health: { status } }: BotInNews) => status === 'WARNING' || status === 'UNHEALTHY';

/**
 * Lists the bots that need attention, live. Renders nothing if there are none, unless that cannot be known.
 * @param refreshed changes each time the page is reloaded
 */
export function UnhealthyBots({ refreshed }: { readonly refreshed: number }) {
  const words = useWords();
  const styles = useStyles();
  const [bots, setBots] = useState<readonly BotInNews[]>([]);
  const state = useHealthNews((news, isFirst) =>
    setBots((before) => {
      const named = new Set(news.map(({ sid }) => sid));
      return [...(isFirst ? [] : before.filter(({ sid }) => !named.has(sid))), ...news.filter(isUnhealthy)];
    }),
  );
  const shown = [...bots].sort((one, other) => other.health.since.localeCompare(one.health.since)).slice(0, SHOWN);
  const deleted = useDeleted(
    shown.map(({ id }) => id),
    refreshed,
  );
  useEffect(() => {
    if (deleted.length > 0) setBots((before) => before.filter(({ id }) => !deleted.includes(id)));
  }, [deleted]);
  const columns: Column<BotInNews>[] = [
    {
      title: words('field.bot'),
      cell: ({ sid, enterprise }) => (
        <Link className={styles.name} href={linkTo(`/bots/${sid}`)}>
          {enterprise.name}
        </Link>
      ),
    },
    { title: words('field.status'), cell: ({ health }) => <HealthStatus status={health.status} /> },
    { title: words('botHealth.message'), cell: ({ health: { reason } }) => reason && wordFor(words, 'hold', reason) },
    { title: words('botHealth.cure'), cell: ({ health: { reason } }) => reason && wordFor(words, 'holdCure', reason) },
    { title: words('botHealth.since'), cell: ({ health }) => <Time value={health.since} /> },
  ];
  // A connection begins in a moment: nothing to make room for.
  if (bots.length === 0 && state !== 'offline') return null;
  return (
    <section className={styles.section} aria-label={words('botHealth.needed')}>
      <h2 className={styles.title}>{words('botHealth.needed')}</h2>
      {state !== 'live' && <LiveState state={state} />}
      {bots.length > 0 && <Table caption={words('botHealth.needed')} nodes={shown} keyOf={({ sid }) => sid} columns={columns} />}
      {bots.length > SHOWN && (
        <Link href={linkTo('/bots', { unhealthy: 'yes' })}>{words('botHealth.more', { count: bots.length - SHOWN })}</Link>
      )}
    </section>
  );
}

/** The ids of the bots that have been deleted. */
function useDeleted(ids: readonly string[], refreshed: number): readonly string[] {
  const client = useClient();
  const [deleted, setDeleted] = useState<readonly string[]>([]);
  const joined = ids.join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: checks again at each refresh
  useEffect(() => {
    if (joined === '') return;
    let isOver = false;
    const asked = joined.split(' ');
    const look = async () => {
      const { data } = await client.query(THERE, { ids: asked }, { requestPolicy: 'network-only' }).toPromise();
      if (data && !isOver) setDeleted(asked.filter((_, index) => data.nodes[index] === null));
    };
    void look();
    const timer = setInterval(() => void look(), LOOK);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [client, joined, refreshed]);
  return deleted;
}
