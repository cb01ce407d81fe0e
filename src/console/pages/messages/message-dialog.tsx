import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Link,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  tokens,
} from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useEffect, useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import type { MessageFeed } from '../../graph/feed.ts';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { Status } from '../../parts/badges.tsx';
import { useKeptFocus } from '../../parts/focus.tsx';
import { Facts } from '../../parts/page.tsx';
import { Empty, Loading, type Problem, ProblemBar } from '../../parts/states.tsx';
import { may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords, type Words, wordFor } from '../../words/words.tsx';

const MESSAGE = graphql(`
  query Message($sid: ID!) {
    message(sid: $sid) {
      sid from to body direction channelStatus channelErrorCode channelErrorMessage segments encoding stuck possiblyDuplicated dateCreated
      mediaUrls restcommMessageSid
      waiting { reason cure since }
      enterprise { sid name }
      mapping { sid name }
      events { cursor channelStatus channelErrorCode channelErrorMessage dateCreated }
    }
  }
`);
const RETRY = graphql(`
  mutation RetryMessage($input: RetryMessageInput!) {
    retryMessage(input: $input) {
      ... on RetryMessageSuccess { retriedMessage { sid channelStatus stuck } }
      ... on Error { code message path }
    }
  }
`);

const useStyles = makeStyles({
  surface: { width: 'calc(100vw - 16px)', maxWidth: '720px' },
  body: {
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    backgroundColor: tokens.colorNeutralBackground3,
    padding: '10px',
    margin: '0 0 16px',
  },
  line: {
    listStyle: 'none',
    margin: '8px 0',
    padding: '0 0 0 12px',
    borderLeft: `2px solid ${tokens.colorNeutralStroke1}`,
    display: 'grid',
    gap: '8px',
  },
  title: { fontSize: tokens.fontSizeBase400, margin: '8px 0 0' },
  bar: { marginBottom: '12px' },
});

type MessageData = NonNullable<ResultOf<typeof MESSAGE>['message']>;

interface MessageDialogProps {
  readonly sid: string;
  /** Tells when the message has a new event. */
  readonly feed?: Pick<MessageFeed, 'onEvent'>;
  readonly onClose: () => void;
}

/** A message with its whole history. */
export default function MessageDialog({ sid, feed, onClose }: MessageDialogProps) {
  const words = useWords();
  const styles = useStyles();
  useKeptFocus();
  const { data, problem: unread, reload } = useAnswer({ document: MESSAGE, variables: { sid } });
  const retry = usePerform(RETRY);
  const [outcome, setOutcome] = useState<Problem | 'busy' | 'done'>();
  useEffect(() => feed?.onEvent((changed) => changed === sid && reload()), [feed, sid, reload]);
  const message = data?.message;
  const canRetry = may('WRITE') && message && (message.stuck || message.channelStatus === 'FAILED');
  return (
    <Dialog open onOpenChange={(_, { open }) => open || onClose()}>
      <DialogSurface className={styles.surface}>
        <DialogBody>
          <DialogTitle>{words('message.title')}</DialogTitle>
          <DialogContent>
            {unread && <ProblemBar problem={unread} onRetry={reload} />}
            {typeof outcome === 'object' && <ProblemBar problem={outcome} />}
            {outcome === 'done' && (
              <MessageBar intent="success" className={styles.bar} role="status">
                <MessageBarBody>{words('message.retried')}</MessageBarBody>
              </MessageBar>
            )}
            {message ? <Details message={message} /> : data ? <Empty title={words('error.MESSAGE_NOT_FOUND')} /> : !unread && <Loading />}
          </DialogContent>
          <DialogActions>
            {canRetry && (
              <Button
                appearance="primary"
                disabledFocusable={outcome === 'busy'}
                onClick={async () => {
                  setOutcome('busy');
                  const { problem } = await retry({ sid });
                  setOutcome(problem ?? 'done');
                }}
              >
                {words('message.retry')}
              </Button>
            )}
            <Button onClick={onClose}>{words('action.close')}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

/** The code and the text of an error: both are the platform's, or the gateway's. */
const errorOf = (words: Words, { channelErrorCode, channelErrorMessage }: Pick<MessageData, 'channelErrorCode' | 'channelErrorMessage'>) =>
  [channelErrorCode, channelErrorMessage && words.said(channelErrorMessage)].filter(Boolean).join(': ');

function Details({ message }: { readonly message: MessageData }) {
  const words = useWords();
  const styles = useStyles();
  const { waiting, mapping, enterprise, channelErrorCode, channelErrorMessage } = message;
  return (
    <>
      {waiting && (
        <MessageBar intent="warning" layout="multiline" className={styles.bar}>
          <MessageBarBody>
            <MessageBarTitle>{wordFor(words, 'hold', waiting.reason)}</MessageBarTitle>
            {wordFor(words, 'holdCure', waiting.reason, waiting.cure)}
          </MessageBarBody>
        </MessageBar>
      )}
      {message.possiblyDuplicated && <p>{words('message.duplicated')}</p>}
      <p className={styles.body}>{message.body}</p>
      <Facts
        facts={[
          [words('field.status'), <Status key="status" status={message.channelStatus} />],
          ...(channelErrorCode || channelErrorMessage ? [[words('field.error'), errorOf(words, message)] as const] : []),
          [words('field.from'), message.from],
          [words('field.to'), message.to],
          [words('field.direction'), words(`direction.${message.direction}`)],
          [
            words('field.enterprise'),
            <Link key="enterprise" href={linkTo(`/enterprises/${enterprise.sid}`)}>
              {enterprise.name}
            </Link>,
          ],
          [
            words('field.mapping'),
            mapping && (
              <Link key="mapping" href={linkTo(`/mappings/${mapping.sid}`)}>
                {mapping.name}
              </Link>
            ),
          ],
          [words('field.segments'), `${message.segments} (${wordFor(words, 'encoding', message.encoding)})`],
          ...(message.mediaUrls.length > 0 ? [[words('message.media'), message.mediaUrls.join(' ')] as const] : []),
          ...(message.restcommMessageSid ? [[words('field.restcommSid'), message.restcommMessageSid] as const] : []),
          ['SID', message.sid],
        ]}
      />
      <h2 className={styles.title}>{words('message.history')}</h2>
      <ol className={styles.line}>
        {message.events.map((event) => (
          <li key={event.cursor}>
            <Time value={event.dateCreated} /> <Status status={event.channelStatus} />
            {(event.channelErrorCode || event.channelErrorMessage) && <div>{errorOf(words, event)}</div>}
          </li>
        ))}
      </ol>
    </>
  );
}
