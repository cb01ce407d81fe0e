import { Button, Link, makeStyles, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useDeferredValue, useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { linkTo } from '../../location.ts';
import { Table } from '../../parts/lists/table.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Loading, ProblemBar } from '../../parts/states.tsx';
import { dayOf as dateOf, durationOf } from '../../words/times.tsx';
import { useSpeech, useWords } from '../../words/words.tsx';
import { OVERVIEW, periodNow } from './overview-query.ts';
import { Plot } from './plot.tsx';
import { Stuck } from './stuck.tsx';
import { UnhealthyBots } from './unhealthy-bots.tsx';

const TYPES = ['Message'];

const useStyles = makeStyles({
  cards: { display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(140px, 1fr))', gap: '12px', marginBottom: '24px' },
  number: { fontSize: tokens.fontSizeHero700, lineHeight: tokens.lineHeightHero700, fontWeight: tokens.fontWeightSemibold, margin: 0 },
  link: { fontWeight: 'inherit', fontSize: 'inherit', lineHeight: 'inherit' },
  label: { margin: 0, color: tokens.colorNeutralForeground2 },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500, margin: 0, flexGrow: 1 },
});

type OverviewData = ResultOf<typeof OVERVIEW>;

export default function Overview() {
  const words = useWords();
  const [period, setPeriod] = useState(periodNow);
  const { data, latest, problem, isBusy, reload } = useAnswer({ document: OVERVIEW, variables: period, types: TYPES });
  // Renders the plots of two times 31 days in slices, between which the browser handles input.
  const shown = useDeferredValue(data || isBusy ? latest : undefined);
  const [refreshed, setRefreshed] = useState(0);
  const again = () => {
    setRefreshed((count) => count + 1);
    // The page may have been open at midnight.
    const now = periodNow();
    if (now.today === period.today) reload();
    else setPeriod(now);
  };
  return (
    <Page title={words('nav.overview')} actions={<Button onClick={again}>{words('action.refresh')}</Button>}>
      {problem && <ProblemBar problem={problem} onRetry={again} />}
      {!shown && !problem && <Loading />}
      {shown && (
        <>
          <Numbers data={shown.data} since={shown.variables.today} />
          <UnhealthyBots refreshed={refreshed} />
          <Stuck stuck={shown.data.stuck} onChange={again} />
          <Plots data={shown.data} since={shown.variables.month} />
          <TopEnterprises rows={shown.data.enterprises} />
        </>
      )}
    </Page>
  );
}

function Numbers({ data: { today, days }, since }: { readonly data: OverviewData; readonly since: string }) {
  const words = useWords();
  const styles = useStyles();
  const { language } = useSpeech();
  const [now] = today;
  const messagesOfToday = linkTo('/messages', { createdFrom: `${dateOf(new Date(since))}T00:00` });
  const total = (field: 'messages' | 'failed') => days.reduce((sum, day) => sum + day[field], 0);
  return (
    <div className={styles.cards}>
      <Tile label={words('overview.today')} number={words.number(now?.messages ?? 0)} link={messagesOfToday} />
      <Tile label={words('overview.todayFailed')} number={words.number(now?.failed ?? 0)} />
      <Tile label={words('overview.median')} number={durationOf(now?.medianDeliveryTime, language)} />
      <Tile label={words('overview.p95')} number={durationOf(now?.p95DeliveryTime, language)} />
      <Tile label={words('overview.month')} number={words.number(total('messages'))} />
      <Tile label={words('overview.monthFailed')} number={words.number(total('failed'))} />
    </div>
  );
}

function Tile({ label, number, link }: { readonly label: string; readonly number: string; readonly link?: string }) {
  const styles = useStyles();
  return (
    <Panel>
      <p className={styles.number}>
        {link ? (
          <Link href={link} className={styles.link}>
            {number}
          </Link>
        ) : (
          number
        )}
      </p>
      <p className={styles.label}>{label}</p>
    </Panel>
  );
}

const dayOf = (from: string) => new Date(from).toDateString();

/** The last 30 days and today, by status and by direction. Days without messages are not in the data. */
function Plots({ data: { days, directions }, since }: { readonly data: OverviewData; readonly since: string }) {
  const words = useWords();
  const { language } = useSpeech();
  const dates = Array.from({ length: 31 }, (_, index) => {
    const date = new Date(since);
    date.setDate(date.getDate() + index);
    return date;
  });
  const labels = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' });
  const labelOf = (date: Date) => labels.format(date);
  const on = (date: Date) => days.find(({ from }) => dayOf(from) === date.toDateString()) ?? { messages: 0, delivered: 0, failed: 0 };
  const of = (date: Date, wanted: string) =>
    directions.find(({ from, direction }) => direction === wanted && dayOf(from) === date.toDateString())?.messages ?? 0;
  return (
    <>
      <Plot
        title={words('overview.byStatus')}
        parts={[
          [words('status.DELIVERED'), 'blue'],
          [words('status.FAILED'), 'red'],
          [words('overview.underWay'), 'grey'],
        ]}
        bars={dates.map((date) => {
          const { messages, delivered, failed } = on(date);
          return { label: labelOf(date), values: [delivered, failed, messages - delivered - failed] };
        })}
      />
      <Plot
        title={words('overview.byDirection')}
        parts={[
          [words('direction.INBOUND'), 'blue'],
          [words('direction.OUTBOUND'), 'teal'],
        ]}
        bars={dates.map((date) => ({ label: labelOf(date), values: [of(date, 'INBOUND'), of(date, 'OUTBOUND')] }))}
      />
    </>
  );
}

interface Top {
  readonly sid: string;
  readonly name: string;
  readonly messages: number;
  readonly failed: number;
}

/** The five enterprises with most messages in 30 days, which are parts of two months. */
function TopEnterprises({ rows }: { readonly rows: OverviewData['enterprises'] }) {
  const words = useWords();
  const styles = useStyles();
  const bySid = new Map<string, Top>();
  for (const { enterpriseSid: sid, enterprise, messages, failed } of rows) {
    if (!sid) continue;
    const before = bySid.get(sid);
    bySid.set(sid, {
      sid,
      name: enterprise?.name ?? sid,
      messages: messages + (before?.messages ?? 0),
      failed: failed + (before?.failed ?? 0),
    });
  }
  const top = [...bySid.values()].sort((a, b) => b.messages - a.messages).slice(0, 5);
  if (top.length === 0) return null;
  return (
    <section aria-label={words('overview.top')}>
      <h2 className={styles.title}>{words('overview.top')}</h2>
      <Table
        caption={words('overview.top')}
        nodes={top}
        keyOf={({ sid }) => sid}
        columns={[
          { title: words('field.enterprise'), cell: ({ sid, name }) => <Link href={linkTo(`/enterprises/${sid}`)}>{name}</Link> },
          { title: words('nav.messages'), isNumber: true, cell: ({ messages }) => words.number(messages) },
          { title: words('status.FAILED'), isNumber: true, cell: ({ failed }) => words.number(failed) },
        ]}
      />
    </section>
  );
}
