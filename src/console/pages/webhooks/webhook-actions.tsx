import { Button, MessageBar, MessageBarBody } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { performAs, usePerform } from '../../graph/perform.ts';
import { goTo } from '../../location.ts';
import { ConfirmedDialog } from '../../parts/forms/confirmed-dialog.tsx';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { type Problem, ProblemBar } from '../../parts/states.tsx';
import { mayExport, useSession } from '../../session/session.ts';
import { useWords } from '../../words/words.tsx';
import { EventChoice, type EventType, outcomeOf } from './webhook-events.tsx';

const UPDATE = graphql(`
  mutation UpdateWebhook($input: UpdateWebhookEndpointInput!) {
    updateWebhookEndpoint(input: $input) {
      ... on UpdateWebhookEndpointSuccess { webhookEndpoint { sid status } }
      ... on Error { code message path }
    }
  }
`);
const ROTATE = graphql(`
  mutation RotateWebhookSecret($input: RotateWebhookEndpointSecretInput!) {
    rotateWebhookEndpointSecret(input: $input) {
      ... on RotateWebhookEndpointSecretSuccess { secret webhookEndpoint { sid } }
      ... on Error { code message path }
    }
  }
`);
const DELETE = graphql(`
  mutation DeleteWebhook($input: DeleteWebhookEndpointInput!) {
    deleteWebhookEndpoint(input: $input) {
      ... on DeleteWebhookEndpointSuccess { deletedId }
      ... on Error { code message path }
    }
  }
`);
const REPLAY = graphql(`
  mutation ReplayWebhook($input: ReplayWebhookEndpointInput!) {
    replayWebhookEndpoint(input: $input) {
      ... on ReplayWebhookEndpointSuccess { webhookEndpoint { sid cursor eventsBehind } }
      ... on Error { code message path }
    }
  }
`);
const TEST = graphql(`
  mutation TestWebhook($input: TestWebhookEndpointInput!) {
    testWebhookEndpoint(input: $input) {
      ... on TestWebhookEndpointSuccess { accepted status error durationMs }
      ... on Error { code message path }
    }
  }
`);

/** For how many hours the former secret still signs: not at all, a day, or a week. */
const OVERLAPS = [0, 24, 168];

type TestResult = Extract<NonNullable<ResultOf<typeof TEST>['testWebhookEndpoint']>, { accepted: boolean }>;
type WebhookDeed = 'edit' | 'switch' | 'rotate' | 'replay' | 'delete';

interface Endpoint {
  readonly sid: string;
  readonly url: string;
  readonly status: string;
  readonly eventTypes: readonly EventType[];
  readonly withBody: boolean;
}

interface ActionsProps {
  readonly webhook: Endpoint;
  readonly onChange: () => void;
  readonly onSecret: (secret: string) => void;
}

/**
 * What can be done with a webhook. What decides where events go needs the password. An enterprise's admin does that, or has events sent again, only if the
 * organization has opted in.
 */
export function WebhookActions({ webhook, onChange, onSecret }: ActionsProps) {
  const words = useWords();
  const hasName = useSession()?.name !== undefined;
  const maySteer = hasName && mayExport();
  const [deed, setDeed] = useState<WebhookDeed>();
  const dialog = { webhook, onChange, onClose: () => setDeed(undefined) };
  return (
    <>
      <Test key={webhook.url} sid={webhook.sid} onChange={onChange} />
      {maySteer && (
        <>
          <Button onClick={() => setDeed('edit')}>{words('action.edit')}</Button>
          <Button onClick={() => setDeed('switch')}>{words(webhook.status === 'ACTIVE' ? 'webhook.disable' : 'webhook.enable')}</Button>
          <Button onClick={() => setDeed('rotate')}>{words('webhook.rotate')}</Button>
        </>
      )}
      {mayExport() && <Button onClick={() => setDeed('replay')}>{words('webhook.replay')}</Button>}
      <Button onClick={() => setDeed('delete')}>{words('action.delete')}</Button>
      {deed === 'edit' && <Edit {...dialog} />}
      {deed === 'switch' && <Switch {...dialog} />}
      {deed === 'rotate' && <Rotate {...dialog} onSecret={onSecret} />}
      {deed === 'replay' && <Replay {...dialog} />}
      {deed === 'delete' && <Delete {...dialog} />}
    </>
  );
}

interface WebhookDialogProps {
  readonly webhook: Endpoint;
  readonly onChange: () => void;
  readonly onClose: () => void;
}

function Test({ sid, onChange }: { readonly sid: string; readonly onChange: () => void }) {
  const words = useWords();
  const test = usePerform(TEST);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [found, setFound] = useState<TestResult>();

  async function send() {
    setBusy(true);
    const { problem: refused, success } = await test({ sid });
    setBusy(false);
    setProblem(refused);
    setFound(success);
    onChange();
  }

  return (
    <>
      <Button appearance="primary" disabledFocusable={isBusy} onClick={send}>
        {words('webhook.test')}
      </Button>
      {problem && <ProblemBar problem={problem} />}
      {found && (
        <MessageBar intent={found.accepted ? 'success' : 'warning'} role="status">
          <MessageBarBody>
            {`${words(found.accepted ? 'webhook.accepted' : 'webhook.refused')}: ${outcomeOf(words, found)} (${words.number(found.durationMs)} ms)`}
          </MessageBarBody>
        </MessageBar>
      )}
    </>
  );
}

function Edit({ webhook: { sid, url, eventTypes, withBody }, onChange, onClose }: WebhookDialogProps) {
  const words = useWords();
  const [chosen, setChosen] = useState(eventTypes);
  return (
    <ConfirmedDialog
      title={words('action.edit')}
      submitLabel={words('action.save')}
      asked={[
        { name: 'url', label: 'URL', value: url, hint: words('webhook.urlHint') },
        {
          ...{ name: 'withBody', label: words('webhook.texts'), value: withBody ? 'yes' : 'no' },
          choices: [
            ['yes', words('webhook.withTexts')],
            ['no', words('webhook.withoutTexts')],
          ],
        },
      ]}
      onSubmit={async (values, authorization) => {
        const changes = {
          sid,
          url: values.url,
          withBody: values.withBody === 'yes',
          eventTypes: [...chosen],
        };
        return (await performAs(authorization, UPDATE, changes)).problem ?? onChange;
      }}
      onClose={onClose}
    >
      <EventChoice chosen={chosen} onChange={setChosen} />
    </ConfirmedDialog>
  );
}

function Switch({ webhook: { sid, url, status }, onChange, onClose }: WebhookDialogProps) {
  const words = useWords();
  const isActive = status === 'ACTIVE';
  const action = words(isActive ? 'webhook.disable' : 'webhook.enable');
  return (
    <ConfirmedDialog
      title={`${action}: ${url}`}
      submitLabel={action}
      asked={[]}
      onSubmit={async (_, authorization) => (await performAs(authorization, UPDATE, { sid, enabled: !isActive })).problem ?? onChange}
      onClose={onClose}
    >
      {words(isActive ? 'webhook.disableText' : 'webhook.enableText')}
    </ConfirmedDialog>
  );
}

function Rotate({ webhook: { sid, url }, onChange, onSecret, onClose }: WebhookDialogProps & Pick<ActionsProps, 'onSecret'>) {
  const words = useWords();
  return (
    <ConfirmedDialog
      title={`${words('webhook.rotate')}: ${url}`}
      submitLabel={words('webhook.rotate')}
      asked={[
        {
          ...{ name: 'overlap', label: words('webhook.overlap'), value: '24' },
          choices: OVERLAPS.map((hours) => [
            String(hours),
            hours === 0 ? words('webhook.atOnce') : words('webhook.hours', { count: hours }),
          ]),
        },
      ]}
      onSubmit={async ({ overlap }, authorization) => {
        const { problem, success } = await performAs(authorization, ROTATE, { sid, overlap: Number(overlap) * 3600 });
        if (problem) return problem;
        return () => {
          if (success.secret) onSecret(success.secret);
          onChange();
        };
      }}
      onClose={onClose}
    >
      {words('webhook.rotateText')}
    </ConfirmedDialog>
  );
}

function Replay({ webhook: { sid, url }, onChange, onClose }: WebhookDialogProps) {
  const words = useWords();
  const replay = usePerform(REPLAY);
  return (
    <FormDialog
      title={`${words('webhook.replay')}: ${url}`}
      submitLabel={words('webhook.replay')}
      asked={[
        { name: 'since', label: words('field.since'), type: 'datetime-local', isOptional: true },
        { name: 'after', label: words('webhook.cursor'), hint: words('webhook.cursorHint'), isOptional: true },
      ]}
      onSubmit={async ({ since, after }) => {
        const place = { since: since ? new Date(since).toISOString() : undefined, after: after || undefined };
        return (await replay({ sid, ...place })).problem ?? onChange;
      }}
      onClose={onClose}
    >
      {words('webhook.replayText')}
    </FormDialog>
  );
}

function Delete({ webhook: { sid, url }, onClose }: WebhookDialogProps) {
  const words = useWords();
  const run = usePerform(DELETE);
  return (
    <FormDialog
      title={`${words('action.delete')}: ${url}`}
      submitLabel={words('action.delete')}
      asked={[]}
      onSubmit={async () => (await run({ sid })).problem ?? (() => goTo('/webhooks'))}
      onClose={onClose}
    >
      {words('webhook.deleteText')}
    </FormDialog>
  );
}
