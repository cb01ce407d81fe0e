import { belonging } from '../src/domain/confinement.ts';
import { findBot, listBots } from '../src/domain/enterprises/bots.ts';
import { ProvisionedInterface, required } from './account.ts';
import { builder } from './builder.ts';
import { needs, packable, shown } from './columns.ts';
import { EnterpriseRef } from './enterprise.ts';
import { OrderDirectionEnum, offset, timeRanges } from './lists.ts';

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
      description: 'The last four characters of the client secret, to recognize it by.',
    }),
    clientSecret: t.string({
      nullable: true,
      description:
        'The client secret of the application. Needs the permission `SECRETS`, and is `null` with a `FORBIDDEN` error without it. Every read is recorded in the audit log.',
      authScopes: { permission: 'secrets' },
      resolve: (bot, _args, { loaders }) => loaders.clientSecret.load(bot),
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
