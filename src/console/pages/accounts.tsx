import { Button, Link, MessageBar, MessageBarBody, MessageBarTitle, makeStyles } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { ask, GraphProblem } from '../graph/ask.ts';
import { graphql } from '../graph/graphql.ts';
import { usePlace } from '../location.ts';
import { Status } from '../parts/badges.tsx';
import { FormDialog } from '../parts/dialogs.tsx';
import { ChoiceFilter, Filters } from '../parts/filters.tsx';
import { EmptyList, List } from '../parts/list.tsx';
import { Page } from '../parts/page.tsx';
import type { Problem } from '../parts/states.tsx';
import type { Column } from '../parts/table.tsx';
import { basic, useSession } from '../session/session.ts';
import { Time } from '../words/times.tsx';
import { useWords, wordFor } from '../words/words.tsx';

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

const OWN = graphql(`
  query OwnPermissions {
    viewer { permissions }
  }
`);

const STATUSES = ['ACTIVE', 'SUSPENDED', 'CLOSED'] as const;
type AccountRow = NonNullable<ResultOf<typeof ACCOUNTS>['accounts']>['nodes'][number];

const useStyles = makeStyles({ token: { overflowWrap: 'anywhere', userSelect: 'all' } });

/** Accounts are changed with the password only, so each dialog asks for it. */
export default function Accounts() {
  const words = useWords();
  const styles = useStyles();
  const { parameters } = usePlace();
  const name = useSession()?.name;
  const [dialog, setDialog] = useState<'create' | AccountRow>();
  const [made, setMade] = useState<{ sid: string; token: string }>();
  const [version, setVersion] = useState(0);
  const status = STATUSES.find((one) => one === parameters.get('status'));
  // The list is read again when it is mounted.
  const changed = () => setVersion(version + 1);
  const columns: Column<AccountRow>[] = [
    { title: words('field.name'), cell: ({ friendlyName }) => friendlyName },
    { title: words('field.email'), cell: ({ email }) => email },
    { title: 'SID', cell: ({ sid }) => sid },
    { title: words('field.status'), cell: ({ status: now }) => <Status status={now} /> },
    { title: words('tokens.permissions'), cell: ({ permissions }) => permissions.join(', ') },
    { title: words('field.created'), sort: 'DATE_CREATED', cell: ({ dateCreated }) => <Time value={dateCreated} /> },
    {
      title: words('field.action'),
      cell: (account) =>
        name !== undefined &&
        account.status !== 'CLOSED' && (
          <Link as="button" onClick={() => setDialog(account)}>
            {words(account.status === 'ACTIVE' ? 'account.suspend' : 'enterprise.activate')}
          </Link>
        ),
    },
  ];
  return (
    <Page
      title={words('nav.accounts')}
      actions={
        name !== undefined && (
          <Button appearance="primary" onClick={() => setDialog('create')}>
            {words('account.create')}
          </Button>
        )
      }
    >
      {made && (
        <MessageBar intent="success" layout="multiline">
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
      {dialog === 'create' && name && (
        <CreateAccount name={name} onMade={setMade} onChange={changed} onClose={() => setDialog(undefined)} />
      )}
      {typeof dialog === 'object' && name && (
        <Switch name={name} account={dialog} onChange={changed} onClose={() => setDialog(undefined)} />
      )}
    </Page>
  );
}

interface ChangeProps {
  /** Of the one who signed in, whose password is asked for. */
  readonly name: string;
  readonly onChange: () => void;
  readonly onClose: () => void;
}

const unknown: Problem = { code: 'UNKNOWN', message: '' };
const problemFrom = (error: unknown): Problem => (error instanceof GraphProblem ? error : { ...unknown, message: String(error) });

function CreateAccount({
  name,
  onMade,
  onChange,
  onClose,
}: ChangeProps & { readonly onMade: (made: { sid: string; token: string }) => void }) {
  const words = useWords();
  return (
    <FormDialog
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
        { name: 'password', label: words('account.ownPassword'), type: 'password' },
      ]}
      onSubmit={async ({ email = '', friendlyName, permissions, password = '' }) => {
        const authorization = basic(name, password);
        try {
          // Everything that its creator has: an account cannot give more. The session's own token has less.
          const { viewer } = await ask(OWN, {}, authorization);
          const input = {
            email,
            friendlyName: friendlyName || undefined,
            permissions: permissions === 'reading' ? viewer.permissions.filter((one) => one === 'READ') : viewer.permissions,
          };
          const { createAccount: result } = await ask(CREATE, { input }, authorization);
          if (!result || !('account' in result)) return result ?? unknown;
          return () => {
            if (result.authToken) onMade({ sid: result.account.sid, token: result.authToken });
            onChange();
          };
        } catch (error) {
          return problemFrom(error);
        }
      }}
      onClose={onClose}
    />
  );
}

function Switch({ name, account: { sid, email, status }, onChange, onClose }: ChangeProps & { readonly account: AccountRow }) {
  const words = useWords();
  const isActive = status === 'ACTIVE';
  const action = words(isActive ? 'account.suspend' : 'enterprise.activate');
  return (
    <FormDialog
      title={`${action}: ${email}`}
      submitLabel={action}
      asked={[{ name: 'password', label: words('account.ownPassword'), type: 'password' }]}
      onSubmit={async ({ password = '' }) => {
        try {
          const authorization = basic(name, password);
          const result = isActive
            ? (await ask(SUSPEND, { input: { sid } }, authorization)).suspendAccount
            : (await ask(ACTIVATE, { input: { sid } }, authorization)).activateAccount;
          return result && 'account' in result ? onChange : (result ?? unknown);
        } catch (error) {
          return problemFrom(error);
        }
      }}
      onClose={onClose}
    >
      {words(isActive ? 'account.suspendText' : 'account.activateText')}
    </FormDialog>
  );
}
