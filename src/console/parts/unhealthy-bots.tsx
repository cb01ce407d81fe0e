import { Link, makeStyles, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import { linkTo } from '../location.ts';
import { Time } from '../words/times.tsx';
import { useWords, wordFor } from '../words/words.tsx';
import { HealthStatus } from './badges.tsx';
import { type BotInNews, useHealthNews } from './health-news.ts';
import { Table } from './table.tsx';

const SHOWN = 10;

const useStyles = makeStyles({
  section: { marginBottom: '24px' },
  // A short name is not broken for the sake of long sentences next to it.
  name: { display: 'inline-block', minWidth: '110px' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, margin: 0 },
});

const isUnhealthy = ({ health: { status } }: BotInNews) => status === 'WARNING' || status === 'UNHEALTHY';

/** The bots that somebody has to do something about, as they are at any moment. Nothing while there is none. */
export function UnhealthyBots() {
  const words = useWords();
  const styles = useStyles();
  const [bots, setBots] = useState<readonly BotInNews[]>([]);
  useHealthNews((news, isFirst) =>
    setBots((before) => {
      const named = new Set(news.map(({ sid }) => sid));
      return [...(isFirst ? [] : before.filter(({ sid }) => !named.has(sid))), ...news.filter(isUnhealthy)];
    }),
  );
  if (bots.length === 0) return null;
  const sorted = [...bots].sort((one, other) => other.health.since.localeCompare(one.health.since));
  return (
    <section className={styles.section} aria-label={words('botHealth.needed')}>
      <h2 className={styles.title}>{words('botHealth.needed')}</h2>
      <Table
        caption={words('botHealth.needed')}
        nodes={sorted.slice(0, SHOWN)}
        keyOf={({ sid }) => sid}
        columns={[
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
        ]}
      />
      {bots.length > SHOWN && (
        <Link href={linkTo('/bots', { unhealthy: 'yes' })}>{words('botHealth.more', { count: bots.length - SHOWN })}</Link>
      )}
    </section>
  );
}
