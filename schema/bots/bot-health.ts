import type { Bot } from '../../prisma/client/client.ts';
import { adminConsentUrl } from '../../src/domain/bots/bot-clouds.ts';
import { cureOf, type HealthReason, type HealthStatus, healthReasons, healthStatuses } from '../../src/domain/bots/health-verdict.ts';
import { HOLDS } from '../../src/domain/waiting.ts';
import type { BotHealthUpdate } from '../../src/live/health-watch.ts';
import type { BotFault } from '../../src/platforms/microsoft/microsoft.ts';
import { builder } from '../builder.ts';
import { needs } from '../columns.ts';
import { BotRef } from './bot.ts';

const STATUSES: Readonly<Record<HealthStatus, string>> = {
  UNKNOWN: 'It was not checked yet, or Microsoft did not respond.',
  HEALTHY: 'Nothing that concerns the bot keeps a message waiting. Messages may wait for single users: see `Mapping.teams`.',
  WARNING:
    'It works, but not for some users, such as those who do not have its app yet, or will stop, or has a credential that does not work: see `cure`.',
  UNHEALTHY:
    'Its messages wait until somebody does what `cure` says. With `GRAPH_PERMISSION`, only those to users whom the bot has not looked up yet.',
};

const BotHealthStatusEnum = builder.enumType('BotHealthStatus', {
  description: 'How a bot is.',
  values: Object.fromEntries(healthStatuses.map((value) => [value, { value, description: STATUSES[value] }])),
});

const WARNINGS = {
  INSTALL_PERMISSION: "The application lacks permissions that it takes to install the bot's app for users who do not have it.",
  APP_NOT_PUBLISHED:
    "No app of the bot is published in the tenant's catalog, or Graph finds none, so that users who do not have it cannot get it.",
  INSTALL_REFUSED:
    "Microsoft refuses to install the bot's app for several users, or for all users so far, whatever permissions the application has.",
  INSTALL_UNSUPPORTED: "Only people can install the bot's app in its cloud, and none of the enterprise's users has it.",
  CREDENTIAL_EXPIRES: 'Credentials that work end within 30 days, and no other one lasts longer.',
  CREDENTIAL_REFUSED: 'Microsoft refuses a credential, while another one works.',
} as const;
const descriptionOf = (reason: HealthReason) =>
  reason in WARNINGS ? WARNINGS[reason as keyof typeof WARNINGS] : HOLDS[reason as BotFault].description;

const BotHealthReasonEnum = builder.enumType('BotHealthReason', {
  description: 'Why a bot is not healthy.',
  values: Object.fromEntries(healthReasons.map((value) => [value, { value, description: descriptionOf(value) }])),
});

const BotHealthRef = builder.node(builder.objectRef<Bot>('BotHealth'), {
  id: { resolve: ({ sid }) => sid },
  // Pothos marks the object with its type, which is that of a bot, too, if both are fetched.
  loadOne: async (sid, { loaders }) => {
    const bot = await loaders.bot.load(sid);
    return bot ? { ...bot } : null;
  },
  description: 'How a bot is, as checks on creation, after changes and daily, and its messages have shown.',
  fields: (t) => ({
    status: t.field({
      type: BotHealthStatusEnum,
      description: 'How it is.',
      resolve: ({ healthStatus }) => (healthStatus ?? 'UNKNOWN') as HealthStatus,
    }),
    since: t.field({
      type: 'DateTime',
      description: 'Since when that is known.',
      resolve: ({ healthSince, dateCreated }) => healthSince ?? dateCreated,
    }),
    reason: t.field({
      type: BotHealthReasonEnum,
      nullable: true,
      description: 'Why it is not healthy, e.g. to say it and its cure in another language. `null` if nothing is the matter.',
      resolve: ({ healthReason }) => (healthReason ?? null) as HealthReason | null,
    }),
    code: t.string({
      nullable: true,
      description:
        "Microsoft's code of what is the matter, or the gateway's own: `CREDENTIAL_EXPIRES` also of a `HEALTHY` bot, if a credential ends within 30 days and another one lasts longer. Otherwise `null`.",
      resolve: ({ healthCode }) => healthCode ?? null,
    }),
    message: t.string({
      nullable: true,
      description: "What is the matter, usually in Microsoft's words. `null` if nothing is, nor is there anything to note.",
      resolve: ({ healthMessage }) => healthMessage ?? null,
    }),
    cure: t.string({
      nullable: true,
      description: 'What somebody has to do. `null` if nobody has to.',
      resolve: (bot, _args, { gateway }) => cureOf(bot.healthReason ?? null, adminConsentUrl(gateway, bot)),
    }),
  }),
});

const COLUMNS = [
  ...['healthStatus', 'healthSince', 'healthReason', 'healthCode', 'healthMessage', 'dateCreated'],
  // For the cure.
  ...['applicationId', 'tenantId', 'tenantGuid', 'cloud'],
];

builder.prismaObjectFields(BotRef, (t) => ({
  health: t.field({ type: BotHealthRef, description: 'How the bot is.', extensions: needs(...COLUMNS), resolve: (bot) => bot }),
}));

const BotHealthUpdateRef = builder.objectRef<BotHealthUpdate>('BotHealthUpdate').implement({
  description: 'Bots and how they are now.',
  fields: (t) => ({
    bots: t.expose('bots', { type: [BotRef], description: 'The bots, at most 100, each in its current state.' }),
    hasMore: t.exposeBoolean('hasMore', {
      description:
        'Whether more is known and follows at once. Once it is `false`, every bot that was not named since the subscription began is `HEALTHY` or `UNKNOWN`.',
    }),
  }),
});

builder.subscriptionField('botHealth', (t) =>
  t.field({
    type: BotHealthUpdateRef,
    description:
      'Streams the health of your bots. It begins with those whose health is `WARNING` or `UNHEALTHY`, by at least one update, even if there are none; then a bot follows whenever its health changes. So a client that subscribes again misses nothing, and there is no cursor. A bot that changes twice in short time may be sent once, as it is then. Deleted bots are not sent. While no health changes, an update without bots comes at least every 20 seconds: a stream that is silent for longer is dead. Errors: `ENTERPRISE_NOT_FOUND`.',
    args: { enterpriseSid: t.arg.id({ description: 'Only the bot of the enterprise with this sid.' }) },
    subscribe: (_root, { enterpriseSid }, { live, caller }) => live.botHealth(caller, enterpriseSid ?? undefined),
    resolve: (update) => update,
  }),
);
