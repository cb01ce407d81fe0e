import { Button, Link, MessageBar, MessageBarBody, MessageBarTitle, makeStyles } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { performAs } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { Status } from '../../parts/badges.tsx';
import { ConfirmedDialog } from '../../parts/forms/confirmed-dialog.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { isProvider, may, mayExport, useSession } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';
import { EventChoice, type EventType, eventNames } from './webhook-events.tsx';

const WEBHOOKS = graphql(`
  query Webhooks($first: Int, $after: String, $last: Int, $before: String, $orderBy: WebhookEndpointOrder) {
    webhookEndpoints(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      nodes { sid url status eventTypes failingSince dateCreated enterprise { sid name } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);
const CREATE = graphql(`
  mutation CreateWebhook($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) {
      ... on CreateWebhookEndpointSuccess { secret webhookEndpoint { sid url } }
      ... on Error { code message path }
    }
  }
`);

type WebhookRow = NonNullable<ResultOf<typeof WEBHOOKS>['webhookEndpoints']>['nodes'][number];

const useStyles = makeStyles({ made: { marginBottom: '12px' }, secret: { overflowWrap: 'anywhere', userSelect: 'all' } });

/** Webhooks are created with the password only, since they outlast a session's token. */
export default function Webhooks() {
  const words = useWords();
  const styles = useStyles();
  const name = useSession()?.name;
  const [isCreating, setCreating] = useState(false);
  const [made, setMade] = useState<{ readonly url: string; readonly secret: string }>();
  const [version, setVersion] = useState(0);
  const columns: Column<WebhookRow>[] = [
    { title: 'URL', isCode: true, cell: ({ sid, url }) => <Link href={linkTo(`/webhooks/${sid}`)}>{url}</Link> },
    {
      title: words('field.status'),
      cell: ({ status, failingSince }) => (
        <>
          <Status status={status} />
          {failingSince && status === 'ACTIVE' && <div>{words('webhook.failing')}</div>}
        </>
      ),
    },
    { title: words('webhook.events'), cell: ({ eventTypes }) => eventNames(words, eventTypes) },
    {
      title: words('field.enterprise'),
      cell: ({ enterprise }) =>
        enterprise ? <Link href={linkTo(`/enterprises/${enterprise.sid}`)}>{enterprise.name}</Link> : words('webhook.everyEnterprise'),
    },
    { title: words('field.created'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
  ];
  return (
    <Page
      title={words('nav.webhooks')}
      actions={
        name !== undefined &&
        may('WRITE') &&
        mayExport() && (
          <Button appearance="primary" onClick={() => setCreating(true)}>
            {words('webhook.create')}
          </Button>
        )
      }
    >
      {made && (
        <MessageBar intent="success" layout="multiline" className={styles.made}>
          <MessageBarBody>
            <MessageBarTitle>{words('webhook.shownOnce', { url: made.url })}</MessageBarTitle>
            <code className={styles.secret}>{made.secret}</code>
          </MessageBarBody>
        </MessageBar>
      )}
      <List
        // It is read again when it is mounted.
        key={version}
        document={WEBHOOKS}
        variables={{}}
        connectionOf={({ webhookEndpoints }) => webhookEndpoints}
        caption={words('nav.webhooks')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'DATE_CREATED', direction: 'DESC' }}
        types={['WebhookEndpoint']}
        empty={<EmptyList title={words('webhook.none')}>{words('webhook.noneText')}</EmptyList>}
      />
      {isCreating && (
        <CreateWebhook
          onMade={(url, secret) => {
            if (secret) setMade({ url, secret });
            setVersion(version + 1);
          }}
          onClose={() => setCreating(false)}
        />
      )}
    </Page>
  );
}

interface CreateProps {
  readonly onMade: (url: string, secret: string | null) => void;
  readonly onClose: () => void;
}

function CreateWebhook({ onMade, onClose }: CreateProps) {
  const words = useWords();
  const [eventTypes, setEventTypes] = useState<readonly EventType[]>([]);
  return (
    <ConfirmedDialog
      title={words('webhook.create')}
      submitLabel={words('action.create')}
      asked={[
        { name: 'url', label: 'URL', hint: words('webhook.urlHint') },
        ...(isProvider() ? [{ name: 'enterpriseSid', isEnterprise: true as const, none: words('webhook.everyEnterprise') }] : []),
        {
          ...{ name: 'withBody', label: words('webhook.texts'), value: 'yes' },
          choices: [
            ['yes', words('webhook.withTexts')],
            ['no', words('webhook.withoutTexts')],
          ],
        },
      ]}
      onSubmit={async ({ url = '', enterpriseSid, withBody }, authorization) => {
        const { problem, success } = await performAs(authorization, CREATE, {
          url,
          enterpriseSid: enterpriseSid || undefined,
          withBody: withBody === 'yes',
          eventTypes: [...eventTypes],
        });
        return problem ?? (() => onMade(success.webhookEndpoint.url, success.secret));
      }}
      onClose={onClose}
    >
      <EventChoice chosen={eventTypes} onChange={setEventTypes} />
    </ConfirmedDialog>
  );
}
