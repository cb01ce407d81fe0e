import { Button, Field, Input, Link, MessageBar, MessageBarBody, MessageBarTitle, makeStyles } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { type FormEvent, type ReactNode, useState } from 'react';
import { ask, problemFrom } from '../../graph/ask.ts';
import { graphql } from '../../graph/graphql.ts';
import { performAs } from '../../graph/perform.ts';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty, type Problem, ProblemBar } from '../../parts/states.tsx';
import { basic, useSession } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';

const TOKENS = graphql(`
  query AccessTokens($after: String) {
    viewer { permissions enterprise { sid } }
    accessTokens(first: 100, after: $after, orderBy: { field: DATE_CREATED, direction: DESC }) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { sid permissions dateCreated dateExpires dateRevoked enterprise { name } }
    }
  }
`);
const CREATE = graphql(`
  mutation CreateAccessToken($input: CreateAccessTokenInput!) {
    createAccessToken(input: $input) {
      ... on CreateAccessTokenSuccess { token accessToken { sid } }
      ... on Error { code message path }
    }
  }
`);
const REVOKE = graphql(`
  mutation RevokeAccessToken($input: RevokeAccessTokenInput!) {
    revokeAccessToken(input: $input) {
      ... on RevokeAccessTokenSuccess { accessToken { sid dateRevoked } }
      ... on Error { code message path }
    }
  }
`);

/** How many tokens are read at once, as the query says. */
const PAGE_SIZE = 100;
/** Lifetimes to choose from, in seconds. */
const LIFETIMES = [3600, 8 * 3600, 24 * 3600];

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '12px', maxWidth: '420px' },
  text: { margin: 0 },
  end: { alignSelf: 'flex-start' },
  foot: { display: 'flex', alignItems: 'center', gap: '12px', padding: '12px 0' },
  token: { overflowWrap: 'anywhere', userSelect: 'all' },
});

type ListedToken = NonNullable<ResultOf<typeof TOKENS>['accessTokens']>['nodes'][number];

/** A token cannot manage tokens, so this page asks for the password, and keeps it while it is open. */
export default function Tokens() {
  const words = useWords();
  const [authorization, setAuthorization] = useState<string>();
  const [listed, setListed] = useState<ResultOf<typeof TOKENS>>();
  const [nodes, setNodes] = useState<readonly ListedToken[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);

  async function read(header: string, after?: string) {
    setBusy(true);
    try {
      const found = await ask(TOKENS, { after }, header);
      const page = found.accessTokens?.nodes ?? [];
      setListed(found);
      setNodes((before) => (after === undefined ? page : [...before, ...page]));
      setAuthorization(header);
      setProblem(undefined);
    } catch (error) {
      setProblem(problemFrom(error));
    }
    setBusy(false);
  }

  if (!authorization || !listed) {
    return (
      <Page title={words('nav.tokens')}>
        {problem && <ProblemBar problem={problem} />}
        <Password onPassword={read} />
      </Page>
    );
  }
  return (
    <TokenList
      listed={listed}
      nodes={nodes}
      authorization={authorization}
      problem={problem}
      isBusy={isBusy}
      onRead={(after) => void read(authorization, after)}
      onRevoke={(revoked) => setNodes((before) => before.map((one) => (one.sid === revoked.sid ? { ...one, ...revoked } : one)))}
    />
  );
}

function Password({ onPassword }: { readonly onPassword: (authorization: string) => Promise<void> }) {
  const words = useWords();
  const styles = useStyles();
  const session = useSession();
  const [name, setName] = useState(session?.name ?? '');
  const [password, setPassword] = useState('');
  return (
    <form
      className={styles.form}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void onPassword(basic(name, password));
      }}
    >
      <p className={styles.text}>{words('tokens.password')}</p>
      <Field label={words('signIn.name')} required>
        <Input value={name} autoComplete="username" onChange={(_, { value }) => setName(value)} />
      </Field>
      <Field label={words('signIn.password')} required>
        <Input type="password" value={password} autoComplete="current-password" onChange={(_, { value }) => setPassword(value)} />
      </Field>
      <Button type="submit" appearance="primary" className={styles.end}>
        {words('action.next')}
      </Button>
    </form>
  );
}

interface TokenListProps {
  /** The latest page that was read. */
  readonly listed: ResultOf<typeof TOKENS>;
  /** The tokens of all pages that were read. */
  readonly nodes: readonly ListedToken[];
  readonly authorization: string;
  readonly problem?: Problem;
  /** Whether a page is being read. */
  readonly isBusy: boolean;
  /** Reads the page after a cursor, or all anew. */
  readonly onRead: (after?: string) => void;
  readonly onRevoke: (revoked: Pick<ListedToken, 'sid' | 'dateRevoked'>) => void;
}

function TokenList({ listed, nodes, authorization, problem, isBusy, onRead, onRevoke }: TokenListProps) {
  const words = useWords();
  const styles = useStyles();
  const own = useSession()?.tokenSid;
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<string>();
  const [token, setToken] = useState<string>();

  const columns: Column<ListedToken>[] = [
    { title: 'SID', isCode: true, cell: ({ sid }) => sid },
    {
      title: words('tokens.permissions'),
      cell: ({ permissions }) => permissions.map((one) => wordFor(words, 'permission', one)).join(', '),
    },
    { title: words('field.enterprise'), cell: ({ enterprise }) => enterprise?.name ?? words('tokens.everything') },
    { title: words('field.created'), cell: ({ dateCreated }) => <Time value={dateCreated} /> },
    { title: words('tokens.expires'), cell: (one) => stateOf(one, words('tokens.revoked'), words('tokens.expired')) },
    {
      title: words('field.action'),
      cell: (one) =>
        isLive(one) && (
          <Link as="button" onClick={() => setRevoking(one.sid)}>
            {words('tokens.revoke')}
          </Link>
        ),
    },
  ];
  const { totalCount = 0, pageInfo } = listed.accessTokens ?? {};
  return (
    <Page
      title={words('nav.tokens')}
      actions={
        <Button appearance="primary" onClick={() => setCreating(true)}>
          {words('tokens.create')}
        </Button>
      }
    >
      {problem && <ProblemBar problem={problem} />}
      {token && (
        <MessageBar intent="success" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{words('tokens.shownOnce')}</MessageBarTitle>
            <code className={styles.token}>{token}</code>
          </MessageBarBody>
        </MessageBar>
      )}
      {nodes.length === 0 ? (
        <Empty title={words('tokens.none')} />
      ) : (
        <Table caption={words('nav.tokens')} columns={columns} nodes={nodes} keyOf={({ sid }) => sid} />
      )}
      {totalCount > PAGE_SIZE && (
        <div className={styles.foot}>
          <span role="status">{words('tokens.shown', { shown: nodes.length, count: totalCount })}</span>
          <Button disabledFocusable={isBusy || !pageInfo?.hasNextPage} onClick={() => onRead(pageInfo?.endCursor ?? undefined)}>
            {words('list.more')}
          </Button>
        </div>
      )}
      {revoking && (
        <FormDialog
          title={`${words('tokens.revoke')}: ${revoking}`}
          submitLabel={words('tokens.revoke')}
          asked={[]}
          onSubmit={async () => {
            const { problem: found, success } = await performAs(authorization, REVOKE, { sid: revoking });
            return found ?? (() => onRevoke(success.accessToken));
          }}
          onClose={() => setRevoking(undefined)}
        >
          {words(revoking === own ? 'tokens.revokeOwnText' : 'tokens.revokeText')}
        </FormDialog>
      )}
      {isCreating && (
        <CreateToken
          permissions={listed.viewer.permissions}
          authorization={authorization}
          onToken={(made) => {
            setToken(made);
            onRead();
          }}
          onClose={() => setCreating(false)}
        />
      )}
    </Page>
  );
}

const isLive = ({ dateRevoked, dateExpires }: ListedToken) => !dateRevoked && Date.parse(dateExpires) > Date.now();

function stateOf(token: ListedToken, revoked: string, expired: string): ReactNode {
  if (token.dateRevoked) return revoked;
  return isLive(token) ? <Time value={token.dateExpires} /> : expired;
}

interface CreateTokenProps {
  readonly permissions: ResultOf<typeof TOKENS>['viewer']['permissions'];
  readonly authorization: string;
  readonly onToken: (token: string) => void;
  readonly onClose: () => void;
}

function CreateToken({ permissions, authorization, onToken, onClose }: CreateTokenProps) {
  const words = useWords();
  return (
    <FormDialog
      title={words('tokens.create')}
      submitLabel={words('action.create')}
      asked={[
        {
          ...{ name: 'permissions', label: words('tokens.permissions'), value: 'READ' },
          choices: permissions.includes('WRITE')
            ? [
                ['READ', words('tokens.read')],
                ['READ,WRITE', words('tokens.readWrite')],
              ]
            : [['READ', words('tokens.read')]],
        },
        {
          ...{ name: 'expiresIn', label: words('tokens.lifetime'), value: '3600' },
          choices: LIFETIMES.map((seconds) => [String(seconds), words('tokens.hours', { count: seconds / 3600 })]),
        },
        { name: 'enterpriseSid', isEnterprise: true, none: words('webhook.everyEnterprise'), hint: words('tokens.enterpriseHint') },
      ]}
      onSubmit={async ({ permissions: chosen = '', expiresIn, enterpriseSid }) => {
        const input = {
          permissions: permissions.filter((one) => chosen.split(',').includes(one)),
          expiresIn: Number(expiresIn),
          enterpriseSid: enterpriseSid || undefined,
        };
        const { problem, success } = await performAs(authorization, CREATE, input);
        return problem ?? (() => onToken(success.token));
      }}
      onClose={onClose}
    />
  );
}
