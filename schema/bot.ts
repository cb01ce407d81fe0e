import { belonging } from '../src/domain/confinement.ts';
import { createBot, deleteBot, findBot, listBots, updateBot, verifyBot } from '../src/domain/enterprises/bots.ts';
import type { BotCheck } from '../src/platforms/microsoft/microsoft.ts';
import { ProvisionedInterface, required } from './account.ts';
import { builder, forbidden } from './builder.ts';
import { needs, packable, shown } from './columns.ts';
import { EnterpriseRef } from './enterprise.ts';
import { resultUnion } from './errors.ts';
import { createdRange, idempotencyKey, OrderDirectionEnum, offset } from './lists.ts';

const BotRef = builder.prismaNode('Bot', {
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
      description: 'The client secret of the application. Needs the permission `SECRETS`; every read is recorded in the audit log.',
      authScopes: { permission: 'secrets' },
      unauthorizedError: () => forbidden(),
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

const BotConnection = builder.connectionObject(
  { type: BotRef, name: 'BotConnection', description: 'A page of bots.' },
  { name: 'BotEdge', description: 'A bot and its cursor.' },
);

const BotFilterInput = builder.inputType('BotFilter', {
  description: 'A filter for bots. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The bot belongs to the enterprise with this sid.' }),
    ...createdRange(t),
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

const CreateBotInput = builder.inputType('CreateBotInput', {
  description: 'A bot to create. Its client secret has at most 1024 characters, everything else at most 255.',
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise, which must not have a bot yet.' }),
    applicationId: t.string({
      required: true,
      description: 'The application (client) id in Azure. Several enterprises can use the same application.',
    }),
    tenantId: t.string({ required: true, description: "The id of the application's tenant." }),
    clientSecret: t.string({ required: true, description: 'The client secret of the application. It is stored encrypted.' }),
    botAppId: t.string({ required: true, description: 'The app store id of the published bot app.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateBotInput = builder.inputType('UpdateBotInput', {
  description: 'Changes to a bot. Fields that are left out keep their value; blank ones are refused.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }),
    enterpriseSid: t.id({ description: 'The sid of the enterprise to move the bot to, which must not have a bot yet.' }),
    applicationId: t.string({ description: 'The new application (client) id in Azure.' }),
    tenantId: t.string({ description: "The new id of the application's tenant." }),
    clientSecret: t.string({
      description:
        'The new client secret, at most 1024 characters. `••••` followed by the current `clientSecretHint` keeps the stored one.',
    }),
    botAppId: t.string({ description: 'The new app store id of the published bot app.' }),
    ...idempotencyKey(t),
  }),
});

const DeleteBotInput = builder.inputType('DeleteBotInput', {
  description: 'A bot to delete.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createBot: t.field({
    type: BotRef,
    description:
      'Creates the bot of an enterprise and delivers the messages that wait for one. Its credentials are not checked with Microsoft; use `verifyBot`.',
    errors: resultUnion('CreateBotResult', 'new bot', ['ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS']),
    args: { input: t.arg({ type: CreateBotInput, required: true, description: 'The bot to create.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createBot(gateway, caller, input),
  }),
  updateBot: t.field({
    type: BotRef,
    description:
      'Updates a bot, and delivers the messages that wait because of it. If its application, tenant or enterprise changes, its Teams users are looked up again in the background.',
    errors: resultUnion('UpdateBotResult', 'updated bot', ['BOT_NOT_FOUND', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS']),
    args: { input: t.arg({ type: UpdateBotInput, required: true, description: 'The bot to update and its new values.' }) },
    resolve: (_root, { input }, { gateway, caller }) => updateBot(gateway, caller, input),
  }),
  deleteBot: t.field({
    type: BotRef,
    description: 'Deletes a bot and returns it as it was. Until the enterprise has another one, messages to its Teams users wait.',
    errors: resultUnion('DeleteBotResult', 'deleted bot', ['BOT_NOT_FOUND']),
    args: { input: t.arg({ type: DeleteBotInput, required: true, description: 'The bot to delete.' }) },
    resolve: (_root, { input }, { gateway, caller }) => deleteBot(gateway, caller, input),
  }),
}));

const BotCheckStepEnum = builder.enumType('BotCheckStep', {
  description: 'The checks that `verifyBot` makes.',
  values: {
    TOKEN: { description: 'Microsoft issues a token for the application id, tenant id and client secret.' },
    GRAPH: { description: 'The application can read the users of its tenant with Microsoft Graph (`User.Read.All`).' },
    CONNECTOR: { description: 'The Bot Framework accepts the token and knows the bot.' },
  } as const,
});

const BotCheckRef = builder.objectRef<BotCheck>('BotCheck').implement({
  description: 'The result of one check of `verifyBot`.',
  fields: (t) => ({
    step: t.field({ type: BotCheckStepEnum, description: 'The check.', resolve: (check) => check.step }),
    passed: t.exposeBoolean('passed', { description: 'Whether the check passed.' }),
    message: t.exposeString('message', {
      nullable: true,
      description:
        "The reason why the check failed, usually in Microsoft's words; for `TOKEN`, also the id of a tenant that is given as a domain. Otherwise `null`.",
    }),
  }),
});

const BotVerificationRef = builder.objectRef<{ checks: BotCheck[] }>('BotVerification').implement({
  description: 'The result of `verifyBot`.',
  fields: (t) => ({
    passed: t.boolean({ description: 'Whether all checks passed.', resolve: ({ checks }) => checks.every((check) => check.passed) }),
    checks: t.field({
      type: [BotCheckRef],
      description: 'The results of all checks. Each check is made even if another one fails.',
      resolve: ({ checks }) => checks,
    }),
  }),
});

const VerifyBotInput = builder.inputType('VerifyBotInput', {
  description: 'A bot to verify.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }),
    idempotencyKey: t.string({ description: 'Ignored: nothing is changed, and every request checks again.' }),
  }),
});

builder.mutationField('verifyBot', (t) =>
  t.field({
    type: BotVerificationRef,
    description:
      "Checks a bot's credentials and permissions with Microsoft. Changes nothing; failed checks are part of the result, not errors.",
    errors: resultUnion('VerifyBotResult', 'result of the checks', ['BOT_NOT_FOUND']),
    args: { input: t.arg({ type: VerifyBotInput, required: true, description: 'The bot to verify.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ checks: await verifyBot(gateway, caller, input.sid) }),
  }),
);
