import { Button, Link, MessageBar, MessageBarBody, MessageBarTitle, makeStyles, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { ask } from '../../graph/ask.ts';
import { graphql } from '../../graph/graphql.ts';
import { performAs } from '../../graph/perform.ts';
import { usePlace } from '../../location.ts';
import { Status } from '../../parts/badges.tsx';
import { ConfirmedDialog } from '../../parts/forms/confirmed-dialog.tsx';
import { ChoiceFilter, Filters } from '../../parts/lists/filters.tsx';
import { EmptyList, List } from '../../parts/lists/list.tsx';
import type { Column } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { may, signIn, useSession } from '../../session/session.ts';
import { isStored } from '../../session/stored.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';

const ACCOUNTS = graphql(`
  query Accounts($first: Int, $after: String, $last: Int, $before: String, $filter: AccountFilter, $orderBy: AccountOrder) {
    accounts(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      nodes { sid email friendlyName status permissions dateCreated }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`);
const CREATE = graphql(`
  mutation CreateAccount($input: CreateAccountInput!) {
    createAccount(input: $input) {
      ... on CreateAccountSuccess { account { sid } authToken }
      ... on Error { code message path }
    }
  }
`);
const SUSPEND = graphql(`
  mutation SuspendAccount($input: SuspendAccountInput!) {
    suspendAccount(input: $input) {
      ... on SuspendAccountSuccess { account { sid status } }
      ... on Error { code message path }
    }
  }
`);
const ACTIVATE = graphql(`
  mutation ActivateAccount($input: ActivateAccountInput!) {
    activateAccount(input: $input) {
      ... on ActivateAccountSuccess { account { sid status } }
      ... on Error { code message path }
    }
  }
`);
const ROTATE = graphql(`
  mutation RotateAccountToken($input: RotateAccountTokenInput!) {
    rotateAccountToken(input: $input) {
      ... on RotateAccountTokenSuccess { account { sid } authToken }
      ... on Error { code message path }
    }
  }
`);
const OWN = graphql(`
  query OwnPermissions {
    viewer { permissions }
  }
`);

const STATUSES = ['ACTIVE', 'SUSPENDED', 'CLOSED'] as const;
type AccountRow = NonNullable<ResultOf<typeof ACCOUNTS>['accounts']>['nodes'][number];

const useStyles = makeStyles({
  made: { marginBottom: '12px' },
  token: { overflowWrap: 'anywhere', userSelect: 'all' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '4px 12px', lineHeight: tokens.lineHeightBase300 },
});

/** What is done with an account; creating one has none yet. */
type Deed = { readonly kind: 'create' } | { readonly kind: 'switch' | 'rotate'; readonly account: AccountRow };

/** An auth token that was just made, which is shown once. */
interface Made {
  readonly sid: string;
  readonly token: string;
}

/** Accounts are changed with the password only, so each dialog asks for it. A read-only account changes none. */
export default function Accounts() {
  const words = useWords();
  const styles = useStyles();
  const { parameters } = usePlace();
  const canChange = useSession()?.name !== undefined && may('WRITE');
  const [deed, setDeed] = useState<Deed>();
  const [made, setMade] = useState<Made>();
  const [version, setVersion] = useState(0);
  const status = STATUSES.find((one) => one === parameters.get('status'));
  const dialog = {
    // The list is read again when it is mounted.
    onChange: () => setVersion(version + 1),
    onMade: setMade,
    onClose: () => setDeed(undefined),
  };
  const columns: Column<AccountRow>[] = [
    {
      title: words('field.name'),
      cell: ({ friendlyName, email }) => (
        <>
          <div>{email}</div>
          {friendlyName !== email && <div>{friendlyName}</div>}
        </>
      ),
    },
    { title: 'SID', isCode: true, cell: ({ sid }) => sid },
    { title: words('field.status'), cell: ({ status: now }) => <Status status={now} /> },
    {
      title: words('tokens.permissions'),
      cell: ({ permissions }) => permissions.map((one) => wordFor(words, 'permission', one)).join(', '),
    },
    { title: words('field.created'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
    {
      title: words('field.action'),
      cell: (account) =>
        canChange &&
        account.status !== 'CLOSED' && (
          <div className={styles.actions}>
            <Link as="button" onClick={() => setDeed({ kind: 'switch', account })}>
              {words(account.status === 'ACTIVE' ? 'account.suspend' : 'enterprise.activate')}
            </Link>
            <Link as="button" onClick={() => setDeed({ kind: 'rotate', account })}>
              {words('account.rotate')}
            </Link>
          </div>
        ),
    },
  ];
  return (
    <Page
      title={words('nav.accounts')}
      actions={
        canChange && (
          <Button appearance="primary" onClick={() => setDeed({ kind: 'create' })}>
            {words('account.create')}
          </Button>
        )
      }
    >
      {made && (
        <MessageBar intent="success" layout="multiline" className={styles.made}>
          <MessageBarBody>
            <MessageBarTitle>{words('account.shownOnce', { sid: made.sid })}</MessageBarTitle>
            <code className={styles.token}>{made.token}</code>
          </MessageBarBody>
        </MessageBar>
      )}
      <Filters>
        <ChoiceFilter name="status" label={words('field.status')} choices={STATUSES.map((one) => [one, wordFor(words, 'status', one)])} />
      </Filters>
      <List
        key={version}
        document={ACCOUNTS}
        variables={{ filter: { statuses: status && [status] } }}
        connectionOf={({ accounts }) => accounts}
        caption={words('nav.accounts')}
        columns={columns}
        keyOf={({ sid }) => sid}
        sorting={{ field: 'DATE_CREATED', direction: 'DESC' }}
        types={['Account']}
        empty={<EmptyList title={words('list.noMatch')} />}
      />
      {deed?.kind === 'create' && <CreateAccount {...dialog} />}
      {deed?.kind === 'switch' && <Switch {...dialog} account={deed.account} />}
      {deed?.kind === 'rotate' && <Rotate {...dialog} account={deed.account} />}
    </Page>
  );
}

interface ChangeProps {
  readonly onChange: () => void;
  readonly onMade: (made: Made) => void;
  readonly onClose: () => void;
}

function CreateAccount({ onMade, onChange, onClose }: ChangeProps) {
  const words = useWords();
  return (
    <ConfirmedDialog
      title={words('account.create')}
      submitLabel={words('action.create')}
      asked={[
        { name: 'email', label: words('field.email'), type: 'email' },
        { name: 'friendlyName', label: words('field.displayName'), isOptional: true },
        {
          ...{ name: 'permissions', label: words('tokens.permissions'), value: 'everything' },
          choices: [
            ['everything', words('account.everything')],
            ['reading', words('account.reading')],
          ],
        },
      ]}
      onSubmit={async ({ email = '', friendlyName, permissions }, authorization) => {
        // Everything that its creator has: an account cannot give more. The session's own token has less.
        const { viewer } = await ask(OWN, {}, authorization);
        const { problem, success } = await performAs(authorization, CREATE, {
          email,
          friendlyName: friendlyName || undefined,
          permissions: permissions === 'reading' ? viewer.permissions.filter((one) => one === 'READ') : viewer.permissions,
        });
        if (problem) return problem;
        return () => {
          if (success.authToken) onMade({ sid: success.account.sid, token: success.authToken });
          onChange();
        };
      }}
      onClose={onClose}
    />
  );
}

interface AccountProps extends ChangeProps {
  readonly account: AccountRow;
}

function Switch({ account: { sid, email, status }, onChange, onClose }: AccountProps) {
  const words = useWords();
  const isActive = status === 'ACTIVE';
  const action = words(isActive ? 'account.suspend' : 'enterprise.activate');
  return (
    <ConfirmedDialog
      title={`${action}: ${email}`}
      submitLabel={action}
      asked={[]}
      onSubmit={async (_, authorization) => {
        const { problem } = isActive ? await performAs(authorization, SUSPEND, { sid }) : await performAs(authorization, ACTIVATE, { sid });
        return problem ?? onChange;
      }}
      onClose={onClose}
    >
      {words(isActive ? 'account.suspendText' : 'account.activateText')}
    </ConfirmedDialog>
  );
}

function Rotate({ account: { sid, email }, onMade, onChange, onClose }: AccountProps) {
  const words = useWords();
  const session = useSession();
  const own = session?.viewer.account.sid === sid;
  return (
    <ConfirmedDialog
      title={`${words('account.rotate')}: ${email}`}
      submitLabel={words('account.rotate')}
      asked={[]}
      onSubmit={async (_, authorization) => {
        const { problem, success } = await performAs(authorization, ROTATE, { sid, own });
        if (problem) return problem;
        const { authToken } = success;
        // The session has just ended with the former token, and goes on with the new one.
        if (own && authToken) await signIn({ name: session.name ?? sid, password: authToken }, isStored()).catch(() => undefined);
        return () => {
          if (authToken) onMade({ sid, token: authToken });
          onChange();
        };
      }}
      onClose={onClose}
    >
      {words(own ? 'account.rotateOwnText' : 'account.rotateText')}
    </ConfirmedDialog>
  );
}
