import { Button, Link, makeStyles } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { HealthStatus } from '../../parts/badges.tsx';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { Facts } from '../../parts/page.tsx';
import { ProblemBar } from '../../parts/states.tsx';
import { may } from '../../session/session.ts';
import { midnightOf } from '../../words/days.ts';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { useHealthNews } from './health-news.ts';

const HEALTH = graphql(`
  query BotHealth($sid: ID!) {
    bot(sid: $sid) {
      sid cloud authority clientSecretHint dateClientSecretExpires adminConsentUrl
      health { status since reason code message cure }
      credentials { sid kind name hint thumbprint dateExpires }
    }
  }
`);
const ADD = graphql(`
  mutation AddBotSecret($input: AddBotSecretInput!) {
    addBotSecret(input: $input) {
      ... on AddBotSecretSuccess { credential { sid } bot { sid } }
      ... on Error { code message path }
    }
  }
`);
const ADD_CERTIFICATE = graphql(`
  mutation AddBotCertificate($input: AddBotCertificateInput!) {
    addBotCertificate(input: $input) {
      ... on AddBotCertificateSuccess { credential { sid } bot { sid } }
      ... on Error { code message path }
    }
  }
`);
const REMOVE = graphql(`
  mutation RemoveBotCredential($input: RemoveBotCredentialInput!) {
    removeBotCredential(input: $input) {
      ... on RemoveBotCredentialSuccess { deletedId bot { sid } }
      ... on Error { code message path }
    }
  }
`);
const REMOVE_SECRET = graphql(`
  mutation RemoveClientSecret($input: UpdateBotInput!) {
    updateBot(input: $input) {
      ... on UpdateBotSuccess { bot { sid clientSecretHint } }
      ... on Error { code message path }
    }
  }
`);

const useStyles = makeStyles({
  list: { listStyle: 'none', margin: '0 0 12px', padding: 0, display: 'grid', gap: '8px' },
  credential: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '8px 16px' },
});

type BotWithHealth = NonNullable<ResultOf<typeof HEALTH>['bot']>;
type Credential = BotWithHealth['credentials'][number];

/** How a bot is and what cures it, and its credentials with their ends. */
export function BotHealth({ sid }: { readonly sid: string }) {
  const words = useWords();
  const { data, problem, reload } = useAnswer({ document: HEALTH, variables: { sid } });
  // What was true when it was read may have changed before the stream began.
  useHealthNews((bots, isFirst) => {
    if (isFirst || bots.some((bot) => bot.sid === sid)) reload();
  });
  const bot = data?.bot;
  const bar = problem && <ProblemBar problem={problem} onRetry={reload} />;
  if (!bot) return bar;
  const { status, since, reason, message, code, cure } = bot.health;
  return (
    <section aria-label={words('botHealth.title')}>
      <h2>{words('botHealth.title')}</h2>
      {bar}
      <Facts
        facts={[
          [words('field.status'), <HealthStatus key="status" status={status} />],
          [words('botHealth.since'), <Time key="since" value={since} />],
          ...(reason ? [[words('botHealth.message'), wordFor(words, 'hold', reason, message ?? reason)] as const] : []),
          ...(reason ? [[words('botHealth.cure'), wordFor(words, 'holdCure', reason, cure ?? '')] as const] : []),
          ...(message
            ? [
                [
                  words('botHealth.said'),
                  code && !message.includes(code) ? `${code}: ${words.said(message)}` : words.said(message),
                ] as const,
              ]
            : []),
          [words('botHealth.cloud'), wordFor(words, 'cloud', bot.cloud)],
          [
            words('botHealth.consent'),
            <Link key="consent" href={bot.adminConsentUrl} rel="noreferrer" target="_blank">
              {bot.adminConsentUrl}
            </Link>,
          ],
        ]}
      />
      <Credentials bot={bot} onChange={reload} />
    </section>
  );
}

function Credentials({ bot, onChange }: { readonly bot: BotWithHealth; readonly onChange: () => void }) {
  const words = useWords();
  const styles = useStyles();
  const add = usePerform(ADD);
  const addCertificate = usePerform(ADD_CERTIFICATE);
  const remove = usePerform(REMOVE);
  const removeSecret = usePerform(REMOVE_SECRET);
  const [dialog, setDialog] = useState<'add' | 'certificate' | 'removeClientSecret' | Credential>();
  const close = () => setDialog(undefined);
  const nameOf = ({ kind, name, hint, thumbprint }: Credential) =>
    `${wordFor(words, 'credential', kind)} ${name ?? (kind === 'SECRET' ? `••••${hint}` : thumbprint?.slice(0, 8))}`;
  const ends = (date: string | null) => (date ? <Time value={date} /> : words('credential.endUnknown'));
  return (
    <>
      <h3>{words('credential.all')}</h3>
      <ul className={styles.list}>
        {bot.clientSecretHint !== '' && (
          <li className={styles.credential}>
            <span>{`${words('bot.secret')} ••••${bot.clientSecretHint}`}</span>
            <span>
              {words('credential.ends')} {ends(bot.dateClientSecretExpires)}
            </span>
            {may('WRITE') && bot.credentials.length > 0 && (
              <Button onClick={() => setDialog('removeClientSecret')}>{words('credential.removeClientSecret')}</Button>
            )}
          </li>
        )}
        {bot.credentials.map((credential) => (
          <li key={credential.sid} className={styles.credential}>
            <span>{nameOf(credential)}</span>
            <span>
              {words('credential.ends')} {ends(credential.dateExpires)}
            </span>
            {may('WRITE') && <Button onClick={() => setDialog(credential)}>{words('credential.remove')}</Button>}
          </li>
        ))}
      </ul>
      {may('WRITE') && (
        <div className={styles.credential}>
          <Button onClick={() => setDialog('add')}>{words('credential.add')}</Button>
          <Button onClick={() => setDialog('certificate')}>{words('credential.addCertificate')}</Button>
        </div>
      )}
      {dialog === 'certificate' && (
        <FormDialog
          title={words('credential.addCertificate')}
          submitLabel={words('credential.addCertificate')}
          asked={[
            { name: 'name', label: words('credential.name'), isOptional: true },
            { name: 'certificate', label: words('credential.CERTIFICATE'), hint: words('credential.certificateHint'), isLong: true },
            { name: 'privateKey', label: words('credential.privateKey'), hint: words('credential.privateKeyHint'), isLong: true },
          ]}
          onSubmit={async ({ name, certificate = '', privateKey = '' }) =>
            (await addCertificate({ sid: bot.sid, name: name || undefined, certificate, privateKey })).problem ?? onChange
          }
          onClose={close}
        >
          {words('credential.addText')}
        </FormDialog>
      )}
      {dialog === 'add' && (
        <FormDialog
          title={words('credential.add')}
          submitLabel={words('credential.add')}
          asked={[
            { name: 'name', label: words('credential.name'), isOptional: true },
            { name: 'secret', label: words('bot.newSecret'), type: 'password' },
            {
              name: 'dateExpires',
              label: words('credential.endsOn'),
              hint: words('credential.endsOnHint'),
              type: 'date',
              isOptional: true,
            },
          ]}
          onSubmit={async ({ name, secret = '', dateExpires = '' }) => {
            const input = { sid: bot.sid, name: name || undefined, secret, dateExpires: midnightOf(dateExpires)?.toISOString() };
            return (await add(input)).problem ?? onChange;
          }}
          onClose={close}
        >
          {words('credential.addText')}
        </FormDialog>
      )}
      {dialog === 'removeClientSecret' && (
        <FormDialog
          title={words('credential.removeClientSecret')}
          submitLabel={words('credential.remove')}
          asked={[]}
          onSubmit={async () => (await removeSecret({ sid: bot.sid, removeClientSecret: true })).problem ?? onChange}
          onClose={close}
        >
          {words('credential.removeClientSecretText')}
        </FormDialog>
      )}
      {typeof dialog === 'object' && (
        <FormDialog
          title={words('credential.remove')}
          submitLabel={words('credential.remove')}
          asked={[]}
          onSubmit={async () => (await remove({ sid: dialog.sid })).problem ?? onChange}
          onClose={close}
        >
          {nameOf(dialog)}
        </FormDialog>
      )}
    </>
  );
}
