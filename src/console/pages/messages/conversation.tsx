import { Button, Field, Link, makeStyles, mergeClasses, Textarea, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { type FormEvent, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { MessageFeed, type MessageRow } from '../../graph/feed.ts';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { LiveState, Status } from '../../parts/badges.tsx';
import { One } from '../../parts/one.tsx';
import { Page } from '../../parts/page.tsx';
import { Loading, type Problem, ProblemBar } from '../../parts/states.tsx';
import { may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { OpenedMessage } from './opened-message.tsx';
import { segmentsOf } from './segments.ts';

const CONVERSATION = graphql(`
  query Conversation($sid: ID!) {
    conversation(sid: $sid) { sid phone mapping { sid name microsoftAddress } enterprise { sid name status } }
  }
`);
const SEND = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) {
      ... on SendMessageSuccess { sentMessage { sid } }
      ... on Error { code message path }
    }
  }
`);

/** Errors after which a message may have been sent all the same. All others refuse it. */
const UNSURE: ReadonlySet<string> = new Set([
  'NETWORK',
  'TIMEOUT',
  'INTERNAL_SERVER_ERROR',
  'SERVICE_UNAVAILABLE',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'UNKNOWN',
]);

const useStyles = makeStyles({
  chat: {
    height: 'calc(100vh - 330px)',
    minHeight: '240px',
    overflowY: 'auto',
    display: 'flex',
    flexDirection: 'column',
    gap: '8px',
    padding: '12px',
    backgroundColor: tokens.colorNeutralBackground2,
  },
  list: { listStyle: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '8px' },
  bubble: {
    alignSelf: 'flex-start',
    maxWidth: '75%',
    padding: '8px 12px',
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
  },
  own: { alignSelf: 'flex-end', backgroundColor: tokens.colorBrandBackground2 },
  text: { margin: '0 0 4px', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
  form: { marginTop: '12px', display: 'grid', gap: '8px' },
  foot: { display: 'flex', justifyContent: 'space-between', alignItems: 'center', gap: '12px' },
});

type ConversationData = NonNullable<ResultOf<typeof CONVERSATION>['conversation']>;

export default function Conversation({ sid }: { readonly sid: string }) {
  return (
    <One document={CONVERSATION} variables={{ sid }} thingOf={({ conversation }) => conversation} missing="conversation.unknown">
      {(conversation) => <Chat conversation={conversation} />}
    </One>
  );
}

function Chat({ conversation: { sid, phone, mapping, enterprise } }: { readonly conversation: ConversationData }) {
  const words = useWords();
  const styles = useStyles();
  const client = useClient();
  const feed = useMemo(() => new MessageFeed(client, { conversationSid: sid }), [client, sid]);
  const { rows, state, hasOlder, isLoading, problem, refusal } = useSyncExternalStore(feed.follow, feed.current);
  const [open, setOpen] = useState<string>();
  const place = useRef<HTMLDivElement>(null);
  const newest = rows[0]?.sid;
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolled down for each new message
  useLayoutEffect(() => {
    if (place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [newest]);
  return (
    <Page title={`${mapping?.name ?? ''} ↔ ${phone}`} actions={<LiveState state={state} />}>
      <p>
        <Link href={linkTo(`/enterprises/${enterprise.sid}`)}>{enterprise.name}</Link>
      </p>
      {refusal && <ProblemBar problem={refusal} />}
      {problem && <ProblemBar problem={problem} onRetry={() => feed.reload()} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by the keyboard */}
      <section className={styles.chat} ref={place} tabIndex={0} aria-label={words('nav.messages')}>
        {hasOlder && (
          <Button disabledFocusable={isLoading} onClick={() => feed.loadOlder()}>
            {words('conversation.older')}
          </Button>
        )}
        {isLoading && rows.length === 0 && <Loading />}
        <ol className={styles.list} aria-live="polite">
          {rows.toReversed().map((message) => (
            <Bubble key={message.sid} message={message} onOpen={() => setOpen(message.sid)} />
          ))}
        </ol>
      </section>
      {may('WRITE') && mapping && <SendBox mappingSid={mapping.sid} to={phone} />}
      {open && <OpenedMessage sid={open} feed={feed} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

/** One message: those of the Teams user on the right. */
function Bubble({
  message: { body, direction, channelStatus, dateCreated },
  onOpen,
}: {
  readonly message: MessageRow;
  readonly onOpen: () => void;
}) {
  const words = useWords();
  const styles = useStyles();
  return (
    <li className={mergeClasses(styles.bubble, direction === 'INBOUND' && styles.own)}>
      <p className={styles.text}>{body}</p>
      <Time value={dateCreated} /> <Status status={channelStatus} />{' '}
      <Link as="button" onClick={onOpen}>
        {words('message.history')}
      </Link>
    </li>
  );
}

/** Sends an SMS for the Teams user. Its segments are counted as one types. */
function SendBox({ mappingSid, to }: { readonly mappingSid: string; readonly to: string }) {
  const words = useWords();
  const styles = useStyles();
  const send = usePerform(SEND);
  const text = useRef<HTMLTextAreaElement>(null);
  const [body, setBody] = useState('');
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  // A text that was perhaps sent, and its key: if it is sent once more, the gateway answers with the first one's message.
  const unsure = useRef<{ readonly body: string; readonly idempotencyKey: string }>(undefined);
  const { segments, encoding } = segmentsOf(body);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isBusy || body.trim() === '') return;
    setBusy(true);
    const { idempotencyKey } = unsure.current?.body === body ? unsure.current : { idempotencyKey: newKey() };
    const { problem: found } = await send({ mappingSid, to, body, idempotencyKey });
    setBusy(false);
    setProblem(found);
    unsure.current = found && UNSURE.has(found.code) ? { body, idempotencyKey } : undefined;
    // A text that was typed meanwhile stays, as the next message.
    if (!found) setBody((now) => (now === body ? '' : now));
    // The next message is written there.
    text.current?.focus();
  }

  return (
    <form className={styles.form} onSubmit={submit}>
      {problem && <ProblemBar problem={problem} />}
      <Field label={words('conversation.write')}>
        <Textarea ref={text} value={body} maxLength={999} resize="vertical" onChange={(_, { value }) => setBody(value)} />
      </Field>
      <div className={styles.foot}>
        <span>
          {words('conversation.length', {
            characters: body.length,
            segments: body === '' ? 0 : segments,
            encoding: wordFor(words, 'encoding', encoding),
          })}
        </span>
        <Button type="submit" appearance="primary" disabledFocusable={isBusy || body.trim() === ''}>
          {words('conversation.send')}
        </Button>
      </div>
    </form>
  );
}

/** `randomUUID` is for secure origins only; the console may be on plain HTTP in a closed network. */
const newKey = () =>
  `console-${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
