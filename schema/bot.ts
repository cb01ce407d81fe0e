import { belonging } from '../src/domain/confinement.ts';
import { createBot, deleteBot, findBot, listBots, updateBot, verifyBot } from '../src/domain/enterprises/bots.ts';
import type { BotCheck } from '../src/platforms/microsoft/microsoft.ts';
import { ProvisionedInterface, required } from './account.ts';
import { builder, forbidden } from './builder.ts';
import { needs, packable, shown } from './columns.ts';
import { EnterpriseRef } from './enterprise.ts';
import { resultUnion } from './errors.ts';
import { createdRange, idempotencyKey, OrderDirectionEnum, offset } from './lists.ts';

export const BotRef = builder.prismaNode('Bot', {
  description: "An enterprise's Azure application, by which its Teams users send and receive SMS.",
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'BE and 32 hex digits.' }),
    applicationId: t.exposeString('applicationId', { description: 'The application id in Azure.' }),
    tenantId: t.exposeString('tenantId', { description: "The application's tenant id." }),
    botAppId: t.exposeString('botAppId', { description: 'The app store id of the published bot app.' }),
    clientSecretHint: t.exposeString('clientSecretHint', { description: 'The last four characters of the client secret.' }),
    clientSecret: t.string({
      description: "The application's client secret. It needs the permission SECRETS, and each reading is audited.",
      authScopes: { permission: 'secrets' },
      unauthorizedError: () => forbidden(),
      resolve: (bot, _args, { loaders }) => loaders.clientSecret.load(bot),
    }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The enterprise that it belongs to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that it belongs to.',
      extensions: needs('enterpriseSid'),
      resolve: async (bot, _args, { loaders }) => required(await loaders.enterprise.load(bot.enterpriseSid)),
    }),
  }),
});

builder.prismaObjectFields(EnterpriseRef, (t) => ({
  bot: t.field({
    type: BotRef,
    nullable: true,
    description: 'Its bot, once it has one.',
    extensions: needs(),
    resolve: (enterprise, _args, { loaders }) => loaders.botOf.load(enterprise.sid),
  }),
}));

const BotConnection = builder.connectionObject(
  { type: BotRef, name: 'BotConnection', description: 'A page of bots.' },
  { name: 'BotEdge', description: 'A bot in its list.' },
);

const BotFilterInput = builder.inputType('BotFilter', {
  description: 'Which bots. All conditions hold together.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'Of this enterprise.' }),
    ...createdRange(t),
  }),
});

const BotOrderInput = builder.inputType('BotOrder', {
  description: 'The order of bots. Equal ones are in order of their sid.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('BotOrderField', {
        description: 'What bots are ordered by.',
        values: { DATE_CREATED: { description: 'Their creation.' } } as const,
      }),
      required: true,
      description: 'What to order by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'Which way.' }),
  }),
});

builder.queryFields((t) => ({
  bot: t.field({
    type: BotRef,
    nullable: true,
    description: 'The bot with this sid, or null where your organization has none.',
    args: { sid: t.arg.id({ required: true, description: 'BE and 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findBot(gateway, caller, sid),
  }),
  bots: t.connection(
    {
      type: BotRef,
      description: 'Your bots.',
      extensions: packable,
      args: {
        filter: t.arg({ type: BotFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: BotOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listBots(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    BotConnection,
  ),
}));

const CreateBotInput = builder.inputType('CreateBotInput', {
  description: 'A new bot. An enterprise has at most one.',
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The enterprise that gets it.' }),
    applicationId: t.string({ required: true, description: 'The application id in Azure.' }),
    tenantId: t.string({ required: true, description: "The application's tenant id." }),
    clientSecret: t.string({ required: true, description: "The application's client secret. It is stored encrypted." }),
    botAppId: t.string({ required: true, description: 'The app store id of the published bot app.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateBotInput = builder.inputType('UpdateBotInput', {
  description: 'A change of a bot. What is left out stays.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'BE and 32 hex digits.' }),
    enterpriseSid: t.id({ description: 'The enterprise that it moves to.' }),
    applicationId: t.string({ description: 'The application id in Azure.' }),
    tenantId: t.string({ description: "The application's tenant id." }),
    clientSecret: t.string({ description: 'The new client secret. `••••` and the present hint leave it as it is.' }),
    botAppId: t.string({ description: 'The app store id of the published bot app.' }),
    ...idempotencyKey(t),
  }),
});

const DeleteBotInput = builder.inputType('DeleteBotInput', {
  description: 'A bot to delete.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'BE and 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createBot: t.field({
    type: BotRef,
    description: 'Gives an enterprise its bot.',
    errors: resultUnion('CreateBotResult', 'new bot'),
    args: { input: t.arg({ type: CreateBotInput, required: true, description: 'The new bot.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createBot(gateway, caller, input),
  }),
  updateBot: t.field({
    type: BotRef,
    description: 'Changes a bot.',
    errors: resultUnion('UpdateBotResult', 'changed bot'),
    args: { input: t.arg({ type: UpdateBotInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input }, { gateway, caller }) => updateBot(gateway, caller, input),
  }),
  deleteBot: t.field({
    type: BotRef,
    description: 'Takes an enterprise its bot away. Answers the bot as it was.',
    errors: resultUnion('DeleteBotResult', 'deleted bot'),
    args: { input: t.arg({ type: DeleteBotInput, required: true, description: 'The bot.' }) },
    resolve: (_root, { input }, { gateway, caller }) => deleteBot(gateway, caller, input),
  }),
}));

const BotCheckStep = builder.enumType('BotCheckStep', {
  description: 'What is tried out.',
  values: {
    TOKEN: { description: "Microsoft gives a token for the bot's application id, tenant and client secret." },
    GRAPH: { description: 'The application may read the users of its tenant.' },
    CONNECTOR: { description: 'The Bot Framework takes the token.' },
  } as const,
});

const BotCheckRef = builder.objectRef<BotCheck>('BotCheck').implement({
  description: "One step of a bot's verification.",
  fields: (t) => ({
    step: t.field({ type: BotCheckStep, description: 'What was tried out.', resolve: (check) => check.step }),
    passed: t.exposeBoolean('passed', { description: 'Did it work?' }),
    message: t.exposeString('message', { nullable: true, description: "Microsoft's own words where it did not." }),
  }),
});

const BotVerificationRef = builder.objectRef<{ checks: BotCheck[] }>('BotVerification').implement({
  description: "A bot's verification with Microsoft.",
  fields: (t) => ({
    passed: t.boolean({ description: 'Did every step work?', resolve: ({ checks }) => checks.every((check) => check.passed) }),
    checks: t.field({ type: [BotCheckRef], description: 'The steps.', resolve: ({ checks }) => checks }),
  }),
});

const VerifyBotInput = builder.inputType('VerifyBotInput', {
  description: 'A bot to try out.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'BE and 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('verifyBot', (t) =>
  t.field({
    type: BotVerificationRef,
    description: 'Tries out a bot with Microsoft, step by step. Changes nothing; a key has no effect.',
    errors: resultUnion('VerifyBotResult', 'verdicts'),
    args: { input: t.arg({ type: VerifyBotInput, required: true, description: 'The bot.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ checks: await verifyBot(gateway, caller, input.sid) }),
  }),
);
