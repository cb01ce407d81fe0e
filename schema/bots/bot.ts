import { adminConsentUrl } from '../../src/domain/bots/bot-clouds.ts';
import { findBot, listBots } from '../../src/domain/bots/bots.ts';
import { belonging } from '../../src/domain/confinement.ts';
import { type Authority, authorities, type Cloud, clouds } from '../../src/platforms/microsoft/clouds.ts';
import { ProvisionedInterface, required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { needs, packable, shown } from '../columns.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { OrderDirectionEnum, offset, timeRanges } from '../lists.ts';

const CLOUDS: Readonly<Record<Cloud, string>> = {
  COMMERCIAL: 'The worldwide cloud.',
  GCC: 'Office 365 Government Community Cloud. A bot of `COMMERCIAL` whose tenant is in it is moved by itself.',
  GCC_HIGH: 'Office 365 GCC High, with Azure Government.',
  DOD: 'Office 365 DoD, with Azure Government.',
  CHINA: 'Operated by 21Vianet. Its users can be written to once they have written to the bot.',
};

export const CloudEnum = builder.enumType('Cloud', {
  description: "A cloud of Microsoft's: where its login, Graph and Teams are.",
  values: Object.fromEntries(clouds.map((value) => [value, { value, description: CLOUDS[value] }])),
});

const AUTHORITIES: Readonly<Record<Authority, string>> = {
  TENANT: "The bot's tenant (`tenantId`).",
  HOME: "The application's own tenant (`homeTenantId`): a single-tenant application of the provider that is used in its customers' tenants.",
  MULTI_TENANT: "The Bot Framework's tenant: a multi-tenant bot, which Azure no longer creates.",
};

export const BotAuthorityEnum = builder.enumType('BotAuthority', {
  description: "Whose login issues a bot's tokens for the Bot Framework. `verifyBot` finds out which one Microsoft takes.",
  values: Object.fromEntries(authorities.map((value) => [value, { value, description: AUTHORITIES[value] }])),
});

export const BotRef = builder.prismaNode('Bot', {
  description: "The Azure application through which an enterprise's Teams users send and receive SMS. An enterprise has at most one.",
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `BE` followed by 32 hex digits.' }),
    applicationId: t.exposeString('applicationId', { description: 'The application (client) id in Azure.' }),
    tenantId: t.exposeString('tenantId', { description: "The id of the application's tenant, which the Teams users must belong to." }),
    botAppId: t.exposeString('botAppId', { description: 'The app store id of the published bot app.' }),
    clientSecretHint: t.exposeString('clientSecretHint', {
      description: 'The end of the client secret, to recognize it by: at most four characters, and at most half of it.',
    }),
    clientSecret: t.string({
      nullable: true,
      description:
        'The client secret of the application. Needs the permission `SECRETS`, and is `null` with a `FORBIDDEN` error without it. Every read is recorded in the audit log.',
      authScopes: { permission: 'secrets' },
      resolve: (bot, _args, { loaders }) => loaders.clientSecret.load(bot),
    }),
    dateClientSecretExpires: t.expose('clientSecretExpires', {
      type: 'DateTime',
      nullable: true,
      description: 'When the client secret ends, as it was given. `null` if it was not.',
    }),
    cloud: t.field({
      type: CloudEnum,
      description: 'The cloud of the tenant.',
      extensions: needs('cloud'),
      resolve: ({ cloud }) => (cloud ?? 'COMMERCIAL') as Cloud,
    }),
    authority: t.field({
      type: BotAuthorityEnum,
      description: 'Whose login issues the tokens for the Bot Framework.',
      extensions: needs('authority'),
      resolve: ({ authority }) => (authority ?? 'TENANT') as Authority,
    }),
    homeTenantId: t.exposeString('homeTenantId', {
      nullable: true,
      description: "The id of the application's own tenant, if it was given.",
    }),
    adminConsentUrl: t.string({
      description: "The page on which an administrator of the tenant grants the application's permissions.",
      extensions: needs('applicationId', 'tenantId', 'tenantGuid', 'cloud'),
      resolve: (bot, _args, { gateway }) => adminConsentUrl(gateway, bot),
    }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The sid of the enterprise that the bot belongs to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that the bot belongs to.',
      extensions: needs('enterpriseSid'),
      resolve: async (bot, _args, { loaders }) => required(await loaders.enterprise.load(bot.enterpriseSid)),
    }),
  }),
});

builder.prismaObjectFields(EnterpriseRef, (t) => ({
  bot: t.field({
    type: BotRef,
    nullable: true,
    description: 'The bot of the enterprise. `null` if there is none.',
    extensions: needs(),
    resolve: (enterprise, _args, { loaders }) => loaders.botOf.load(enterprise.sid),
  }),
}));

export const BotEdge = builder.edgeObject({ type: BotRef, name: 'BotEdge', description: 'A bot and its cursor.' });

const BotConnection = builder.connectionObject({ type: BotRef, name: 'BotConnection', description: 'A page of bots.' }, BotEdge);

const BotFilterInput = builder.inputType('BotFilter', {
  description: 'A filter for bots. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The bot belongs to the enterprise with this sid.' }),
    unhealthy: t.boolean({ description: 'Whether somebody has to do something about the bot: its health is `WARNING` or `UNHEALTHY`.' }),
    ...timeRanges(t),
  }),
});

const BotOrderInput = builder.inputType('BotOrder', {
  description: 'A sort order of bots. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('BotOrderField', {
        description: 'The fields by which bots can be sorted.',
        values: { DATE_CREATED: { description: 'The time of creation.' } } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.queryFields((t) => ({
  bot: t.field({
    type: BotRef,
    nullable: true,
    description: 'Looks up a bot by its sid. Returns `null` if there is none.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findBot(gateway, caller, sid),
  }),
  bots: t.connection(
    {
      type: BotRef,
      description: 'The bots of your organization.',
      extensions: packable,
      args: {
        filter: t.arg({ type: BotFilterInput, description: 'Returns only bots that match this filter.' }),
        orderBy: t.arg({ type: BotOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listBots(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    BotConnection,
  ),
}));
