import { Button, Link, MessageBar, MessageBarBody, MessageBarTitle, makeStyles, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { linkTo } from '../../location.ts';
import { Status } from '../../parts/badges.tsx';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { WebhookActions } from './webhook-actions.tsx';
import { eventNames, outcomeOf } from './webhook-events.tsx';

const WEBHOOK = graphql(`
  query Webhook($sid: ID!) {
    webhookEndpoint(sid: $sid) {
      sid url status eventTypes withBody disabledReason dateDisabled failingSince failures dateNextAttempt eventsBehind dateFormerSecretExpires dateCreated
      enterprise { sid name }
      attempts(first: 20) { webhookId eventType messageSid status error durationMs dateCreated }
    }
  }
`);

const useStyles = makeStyles({
  secret: { overflowWrap: 'anywhere', userSelect: 'all' },
  bar: { marginBottom: '16px' },
  head: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '12px' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500 },
});

type WebhookData = NonNullable<ResultOf<typeof WEBHOOK>['webhookEndpoint']>;

/** One webhook: how it is, what can be done with it, and its latest requests. */
export default function Webhook({ sid }: { readonly sid: string }) {
  return (
    <One
      document={WEBHOOK}
      variables={{ sid }}
      thingOf={({ webhookEndpoint }) => webhookEndpoint}
      missing="error.WEBHOOK_ENDPOINT_NOT_FOUND"
    >
      {(webhook, reload) => <WebhookPage webhook={webhook} onChange={reload} />}
    </One>
  );
}

function WebhookPage({ webhook, onChange }: { readonly webhook: WebhookData; readonly onChange: () => void }) {
  const words = useWords();
  const styles = useStyles();
  const [secret, setSecret] = useState<string>();
  const { sid, url, status, enterprise, failingSince, dateNextAttempt, dateFormerSecretExpires, disabledReason, dateDisabled } = webhook;
  return (
    <Page title={url} actions={may('WRITE') && <WebhookActions webhook={webhook} onChange={onChange} onSecret={setSecret} />}>
      {secret && (
        <MessageBar intent="success" layout="multiline" className={styles.bar}>
          <MessageBarBody>
            <MessageBarTitle>{words('webhook.shownOnce', { url })}</MessageBarTitle>
            <code className={styles.secret}>{secret}</code>
          </MessageBarBody>
        </MessageBar>
      )}
      <Facts
        facts={[
          [words('field.status'), <Status key="status" status={status} />],
          ...(disabledReason ? [[words('webhook.why'), wordFor(words, 'webhookDisabled', disabledReason)] as const] : []),
          ...timeFact(words('webhook.disabledSince'), dateDisabled),
          ...timeFact(words('webhook.failingSince'), failingSince),
          ...timeFact(words('webhook.dateNextAttempt'), dateNextAttempt),
          ['SID', sid],
          [words('webhook.events'), eventNames(words, webhook.eventTypes)],
          [words('webhook.texts'), words(webhook.withBody ? 'webhook.withTexts' : 'webhook.withoutTexts')],
          [
            words('field.enterprise'),
            enterprise ? (
              <Link key="enterprise" href={linkTo(`/enterprises/${enterprise.sid}`)}>
                {enterprise.name}
              </Link>
            ) : (
              words('webhook.everyEnterprise')
            ),
          ],
          ...(webhook.eventsBehind === null ? [] : [[words('webhook.behind'), words.number(webhook.eventsBehind)] as const]),
          ...timeFact(words('webhook.formerSecret'), dateFormerSecretExpires),
          [words('field.created'), <Time key="created" value={webhook.dateCreated} />],
        ]}
      />
      <section aria-label={words('webhook.attempts')}>
        <div className={styles.head}>
          <h2 className={styles.title}>{words('webhook.attempts')}</h2>
          <Button size="small" onClick={onChange}>
            {words('action.refresh')}
          </Button>
        </div>
        <Attempts attempts={webhook.attempts} />
      </section>
    </Page>
  );
}

/** A fact that is left out if there is no time. */
const timeFact = (name: string, value: string | null) => (value ? [[name, <Time key={name} value={value} />] as const] : []);

type Attempt = WebhookData['attempts'][number];

function Attempts({ attempts }: { readonly attempts: readonly Attempt[] }) {
  const words = useWords();
  const columns: Column<Attempt>[] = [
    { title: words('field.time'), cell: ({ dateCreated }) => <Time value={dateCreated} /> },
    { title: words('webhook.event'), cell: ({ eventType }) => <code>{eventType}</code> },
    {
      title: words('webhook.outcome'),
      cell: ({ status, error }) => {
        const isAccepted = status !== null && status >= 200 && status < 300;
        return `${words(isAccepted ? 'webhook.accepted' : 'webhook.refused')}: ${outcomeOf(words, { status, error })}`;
      },
    },
    { title: words('webhook.duration'), isNumber: true, cell: ({ durationMs }) => `${words.number(durationMs)} ms` },
    {
      title: words('webhook.message'),
      isCode: true,
      cell: ({ messageSid }) => (messageSid ? <Link href={linkTo('/messages', { message: messageSid })}>{messageSid}</Link> : '–'),
    },
  ];
  if (attempts.length === 0) return <Empty title={words('webhook.noAttempts')} />;
  return (
    <Table
      caption={words('webhook.attempts')}
      columns={columns}
      nodes={attempts}
      keyOf={({ webhookId, dateCreated, durationMs }) => `${webhookId} ${dateCreated} ${durationMs}`}
    />
  );
}
