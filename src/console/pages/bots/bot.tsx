import { Link } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { linkTo } from '../../location.ts';
import { EditAndDelete } from '../../parts/forms/edit-and-delete.tsx';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { isProvider, may } from '../../session/session.ts';
import { dayOf, midnightOf } from '../../words/days.ts';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';
import { AppPackage } from './app-package.tsx';
import { BotChecks } from './bot-checks.tsx';
import { BotHealth } from './bot-health.tsx';
import { AUTHORITIES, type BotPlace, CLOUDS } from './bot-setup-fields.tsx';

const BOT = graphql(`
  query Bot($sid: ID!) {
    bot(sid: $sid) {
      sid applicationId tenantId botAppId cloud authority homeTenantId clientSecretHint dateClientSecretExpires accountEmail dateCreated dateUpdated
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
          [words('botWalk.authority'), words(`authority.${bot.authority}`)],
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
      {may('WRITE') && <BotChecks bot={bot} />}
    </Page>
  );
}

function Actions({ bot }: { readonly bot: BotData }) {
  const { sid, applicationId, tenantId, botAppId, clientSecretHint } = bot;
  const secretEnds = bot.dateClientSecretExpires ? dayOf(new Date(bot.dateClientSecretExpires)) : '';
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
          ...{ name: 'cloud', label: words('botHealth.cloud'), value: bot.cloud },
          choices: CLOUDS.map((cloud) => [cloud, words(`cloud.${cloud}`)] as const),
        },
        {
          ...{ name: 'authority', label: words('botWalk.authority'), value: bot.authority, hint: words('botWalk.authorityHint') },
          choices: AUTHORITIES.map((authority) => [authority, words(`authority.${authority}`)] as const),
        },
        { name: 'homeTenantId', label: words('botWalk.homeTenant'), value: bot.homeTenantId ?? '', isOptional: true },
        {
          ...{ name: 'clientSecret', label: words('bot.newSecret'), type: 'password', isOptional: true },
          hint: words('bot.newSecretHint', { hint: clientSecretHint }),
        },
        {
          ...{ name: 'dateClientSecretExpires', label: words('credential.endsOn'), value: secretEnds, type: 'date', isOptional: true },
          hint: words('credential.endsOnHint'),
        },
      ]}
      onEdit={async ({ cloud, authority, homeTenantId, clientSecret, dateClientSecretExpires = '', ...values }) => {
        // The end that the form began with is the former secret's.
        const ends = dateClientSecretExpires === secretEnds ? undefined : midnightOf(dateClientSecretExpires)?.toISOString();
        // The gateway may have moved the bot to another cloud since the page was opened.
        const place = {
          cloud: cloud === bot.cloud ? undefined : (cloud as BotPlace['cloud']),
          authority: authority === bot.authority ? undefined : (authority as BotPlace['authority']),
        };
        const changes = { homeTenantId: homeTenantId || undefined, clientSecret: clientSecret || undefined, dateClientSecretExpires: ends };
        return (await update({ sid, ...values, ...place, ...changes })).problem;
      }}
      deleteTitle={words('bot.delete')}
      deleteText={words('bot.deleteText')}
      onDelete={async () => (await remove({ sid })).problem}
      list="/bots"
    />
  );
}
