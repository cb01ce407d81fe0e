import { Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { EditAndDelete } from '../../parts/forms/edit-and-delete.tsx';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { isProvider, may } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';
import { AppPackage } from './app-package.tsx';
import { BotChecks } from './bot-checks.tsx';
import { BotHealth } from './bot-health.tsx';

const BOT = graphql(`
  query Bot($sid: ID!) {
    bot(sid: $sid) {
      sid applicationId tenantId botAppId clientSecretHint accountEmail dateCreated dateUpdated
      enterprise { sid name }
    }
  }
`);
const UPDATE = graphql(`
  mutation UpdateBot($input: UpdateBotInput!) {
    updateBot(input: $input) {
      ... on UpdateBotSuccess { bot { sid } }
      ... on Error { code message path }
    }
  }
`);
const DELETE = graphql(`
  mutation DeleteBot($input: DeleteBotInput!) {
    deleteBot(input: $input) {
      ... on DeleteBotSuccess { bot { sid enterprise { sid bot { sid } } } }
      ... on Error { code message path }
    }
  }
`);

type BotData = NonNullable<ResultOf<typeof BOT>['bot']>;

export default function Bot({ sid }: { readonly sid: string }) {
  return (
    <One document={BOT} variables={{ sid }} thingOf={({ bot }) => bot} missing="error.BOT_NOT_FOUND">
      {(bot) => <BotPage bot={bot} />}
    </One>
  );
}

function BotPage({ bot }: { readonly bot: BotData }) {
  const words = useWords();
  return (
    <Page title={words('bot.of', { name: bot.enterprise.name })} actions={may('WRITE') && <Actions bot={bot} />}>
      <Facts
        facts={[
          [
            words('field.enterprise'),
            <Link key="enterprise" href={linkTo(`/enterprises/${bot.enterprise.sid}`)}>
              {bot.enterprise.name}
            </Link>,
          ],
          [words('bot.application'), bot.applicationId],
          [words('bot.tenant'), bot.tenantId],
          [words('bot.app'), bot.botAppId],
          [words('bot.secret'), bot.clientSecretHint === '' ? words('bot.none') : `••••${bot.clientSecretHint}`],
          ['SID', bot.sid],
          [words('field.createdBy'), bot.accountEmail],
          [words('field.created'), <Time key="created" value={bot.dateCreated} />],
          [words('field.updated'), <Time key="updated" value={bot.dateUpdated} />],
        ]}
      />
      <AppPackage sid={bot.sid} />
      {may('WRITE') && isProvider() && (
        <p>
          <Link href={linkTo(`/teams-app/${bot.enterprise.sid}`)}>{words('teamsApp.of', { name: bot.enterprise.name })}</Link>
        </p>
      )}
      <BotHealth sid={bot.sid} />
      {may('WRITE') && <BotChecks sid={bot.sid} />}
    </Page>
  );
}

function Actions({ bot: { sid, applicationId, tenantId, botAppId, clientSecretHint } }: { readonly bot: BotData }) {
  const words = useWords();
  const update = usePerform(UPDATE);
  const remove = usePerform(DELETE);
  return (
    <EditAndDelete
      asked={[
        { name: 'applicationId', label: words('bot.application'), value: applicationId },
        { name: 'tenantId', label: words('bot.tenant'), value: tenantId },
        { name: 'botAppId', label: words('bot.app'), value: botAppId },
        {
          ...{ name: 'clientSecret', label: words('bot.newSecret'), type: 'password', isOptional: true },
          hint: words('bot.newSecretHint', { hint: clientSecretHint }),
        },
      ]}
      onEdit={async ({ clientSecret, ...values }) => (await update({ sid, ...values, clientSecret: clientSecret || undefined })).problem}
      deleteTitle={words('bot.delete')}
      deleteText={words('bot.deleteText')}
      onDelete={async () => (await remove({ sid })).problem}
      list="/bots"
    />
  );
}
