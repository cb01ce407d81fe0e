import { Badge, Button, Checkbox, MessageBar, MessageBarBody, makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { memo, useCallback, useMemo, useRef, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { MessageFeed, type MessageFilter, type MessageRow } from '../../graph/feed.ts';
import { change, usePlace } from '../../location.ts';
import { LiveState, Status } from '../../parts/badges.tsx';
import { EnterpriseFilter } from '../../parts/forms/enterprise-choice.tsx';
import { ChoiceFilter, Filters, TextFilter } from '../../parts/lists/filters.tsx';
import { EmptyList } from '../../parts/lists/list.tsx';
import { Virtual } from '../../parts/lists/virtual.tsx';
import { Page } from '../../parts/page.tsx';
import { Loading, ProblemBar } from '../../parts/states.tsx';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { MappingFilter } from './mapping-filter.tsx';
import { OpenedMessage } from './opened-message.tsx';

const STATUSES = ['QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'READ', 'UNDELIVERED', 'FAILED'] as const;
const DIRECTIONS = ['INBOUND', 'OUTBOUND'] as const;
const TYPES = ['SMS', 'MMS'] as const;
const NARROW = '@media (max-width: 1100px)';
const narrow = window.matchMedia('(max-width: 1100px)');
/** In px. */
const HEIGHT = { wide: 44, narrow: 84 };

const useStyles = makeStyles({
  row: {
    display: 'grid',
    gridTemplateColumns: '190px 100px minmax(120px, 3fr) minmax(120px, 3fr) minmax(120px, 5fr) 120px',
    alignItems: 'center',
    gap: '8px',
    padding: '0 8px',
    height: `${HEIGHT.wide}px`,
    boxSizing: 'border-box',
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    '& > *': { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
    // Time and status, from and to, and the text below them.
    [NARROW]: {
      gridTemplateColumns: '1fr 1fr',
      height: `${HEIGHT.narrow}px`,
      padding: '4px 8px',
      gap: '0 8px',
      '& > :nth-child(2)': { display: 'none' },
      '& > :nth-child(6)': { order: -1, justifySelf: 'end' },
      '& > :nth-child(1)': { order: -2 },
      '& > :nth-child(5)': { gridColumn: '1 / -1' },
    },
  },
  head: { color: tokens.colorNeutralForeground2, fontWeight: tokens.fontWeightSemibold, [NARROW]: { display: 'none' } },
  link: {
    display: 'block',
    width: '100%',
    border: 'none',
    background: 'none',
    font: 'inherit',
    color: tokens.colorBrandForegroundLink,
    textAlign: 'left',
    cursor: 'pointer',
    padding: '4px 0',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
  },
  bar: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '12px', marginBottom: '8px' },
});

export default function Messages() {
  const words = useWords();
  const { parameters } = usePlace();
  const [isStuckOnly, open] = [parameters.get('stuck') === 'yes', parameters.get('message')];
  const feed = useFeed(parameters);
  const { rows, waiting, hasChanged, state, hasOlder, isLoading, problem, refusal, wasLost } = useSyncExternalStore(
    feed.follow,
    feed.current,
  );
  const isNarrow = useSyncExternalStore(
    (changed) => {
      narrow.addEventListener('change', changed);
      return () => narrow.removeEventListener('change', changed);
    },
    () => narrow.matches,
  );
  const styles = useStyles();
  const viewport = useRef<HTMLDivElement>(null);
  // The button disappears, so the list has the focus.
  const showTop = () => {
    feed.setAtTop(true);
    viewport.current?.scrollTo(0, 0);
    viewport.current?.focus();
  };
  const onEnd = useCallback(() => feed.loadOlder(), [feed]);
  const onTop = useCallback((isAtTop: boolean) => feed.setAtTop(isAtTop), [feed]);
  return (
    <Page title={words('nav.messages')} actions={<LiveState state={state} />}>
      <Filters>
        <TextFilter name="body" label={words('message.search')} />
        <TextFilter name="from" label={words('field.from')} />
        <TextFilter name="to" label={words('field.to')} />
        <ChoiceFilter name="status" label={words('field.status')} choices={STATUSES.map((one) => [one, wordFor(words, 'status', one)])} />
        <ChoiceFilter
          name="direction"
          label={words('field.direction')}
          choices={DIRECTIONS.map((one) => [one, words(`direction.${one}`)])}
        />
        <EnterpriseFilter />
        <MappingFilter />
        <TextFilter name="createdFrom" label={words('field.since')} type="datetime-local" />
        <TextFilter name="createdTo" label={words('field.until')} type="datetime-local" />
        <ChoiceFilter name="type" label={words('usage.TYPE')} choices={TYPES.map((one) => [one, one])} />
        <TextFilter name="errorCode" label={words('field.errorCode')} />
        <TextFilter name="errorMessage" label={words('field.errorMessage')} />
        <TextFilter name="restcommSid" label={words('field.restcommSid')} />
        <Checkbox
          label={words('message.stuckOnly')}
          checked={isStuckOnly}
          onChange={(_, { checked }) => change({ stuck: checked ? 'yes' : undefined })}
        />
      </Filters>
      {wasLost && (
        <MessageBar intent="warning">
          <MessageBarBody>{words('live.restarted')}</MessageBarBody>
        </MessageBar>
      )}
      {refusal && <ProblemBar problem={refusal} />}
      {problem && <ProblemBar problem={problem} onRetry={() => feed.reload()} />}
      <div className={styles.bar} role="status">
        {(hasChanged || waiting.length > 0) && (
          <Button size="small" appearance="primary" onClick={showTop}>
            {hasChanged ? words('message.showChanged') : `${words('message.showNew')} (${waiting.length})`}
          </Button>
        )}
      </div>
      {rows.length === 0 ? (
        isLoading ? (
          <Loading />
        ) : (
          !problem && (
            <EmptyList title={words('message.none')}>
              <p>{words('message.noneText')}</p>
            </EmptyList>
          )
        )
      ) : (
        <Virtual
          viewport={viewport}
          label={words('nav.messages')}
          rows={rows}
          height={isNarrow ? HEIGHT.narrow : HEIGHT.wide}
          head={<Head />}
          row={(message, index) => <Row key={message.sid} message={message} index={index} />}
          onTop={onTop}
          onEnd={onEnd}
          hasMore={hasOlder}
        />
      )}
      {open && <OpenedMessage sid={open} feed={feed} onClose={() => change({ message: undefined })} />}
    </Page>
  );
}

/** The feed of the filters in the address. */
function useFeed(parameters: URLSearchParams): MessageFeed {
  const client = useClient();
  const value = (name: string) => parameters.get(name) || undefined;
  const status = STATUSES.find((one) => one === parameters.get('status'));
  const filter: MessageFilter = {
    ...{ body: value('body'), from: value('from'), to: value('to'), enterpriseSid: value('enterprise'), mappingSid: value('mapping') },
    direction: DIRECTIONS.find((one) => one === parameters.get('direction')),
    type: TYPES.find((one) => one === parameters.get('type')),
    statuses: status && [status],
    ...{ createdFrom: timeOf(value('createdFrom')), createdTo: timeOf(value('createdTo')) },
    ...{ channelErrorCode: value('errorCode'), channelErrorMessage: value('errorMessage'), restcommMessageSid: value('restcommSid') },
    stuck: value('stuck') === 'yes' ? true : undefined,
  };
  // The same feed for the same filter.
  const key = JSON.stringify(filter);
  return useMemo(() => new MessageFeed(client, JSON.parse(key) as MessageFilter), [client, key]);
}

/** A time of the reader's zone, as an input has it, for the graph. An address may have any text. */
function timeOf(text = ''): string | undefined {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

function Head() {
  const words = useWords();
  const styles = useStyles();
  const titles = ['field.time', 'field.direction', 'field.from', 'field.to', 'field.text', 'field.status'] as const;
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: as in Virtual
    // biome-ignore-start lint/a11y/useFocusableInteractive: as in Virtual
    <div role="rowgroup">
      <div className={mergeClasses(styles.row, styles.head)} role="row">
        {titles.map((title) => (
          <span key={title} role="columnheader">
            {words(title)}
          </span>
        ))}
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: as in Virtual
    // biome-ignore-end lint/a11y/useSemanticElements: as in Virtual
  );
}

/** Rendered again only if the message is another one: most of those that scrolling shows were there before. */
const Row = memo(function Row({ message, index }: { readonly message: MessageRow; readonly index: number }) {
  const words = useWords();
  const styles = useStyles();
  const { sid, from, to, body, direction, channelStatus, dateCreated, stuck } = message;
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: as in Virtual
    // biome-ignore-start lint/a11y/useFocusableInteractive: as in Virtual
    <div className={styles.row} role="row" aria-rowindex={index + 2}>
      <span role="cell">
        <Time value={dateCreated} />
      </span>
      <span role="cell">{words(`direction.${direction}`)}</span>
      <span role="cell" title={from}>
        {from}
      </span>
      <span role="cell" title={to}>
        {to}
      </span>
      <span role="cell">
        <button type="button" className={styles.link} onClick={() => change({ message: sid })}>
          {body || words('message.title')}
        </button>
      </span>
      <span role="cell">
        <Status status={channelStatus} /> {stuck && <Badge color="danger">{words('message.stuck')}</Badge>}
      </span>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: as in Virtual
    // biome-ignore-end lint/a11y/useSemanticElements: as in Virtual
  );
});
