import type { Bot } from '../prisma/client/client.ts';
import { botEdge, createBot, deleteBot, updateBot, verifyBot } from '../src/domain/enterprises/bots.ts';
import type { BotCheck } from '../src/platforms/microsoft/microsoft.ts';
import { BotEdge, BotRef } from './bot.ts';
import { builder } from './builder.ts';
import { resultUnion } from './errors.ts';
import { idempotencyKey } from './lists.ts';

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

const CreateBotSuccessRef = builder.objectRef<{ bot: Bot }>('CreateBotSuccess').implement({
  description: 'The success of `createBot`.',
  fields: (t) => ({
    bot: t.expose('bot', { type: BotRef, description: 'The new bot.' }),
    botEdge: t.field({
      type: BotEdge,
      description: 'The bot with its cursor in the default order of lists, for caches that add it to one.',
      resolve: ({ bot }) => botEdge(bot),
    }),
  }),
});

const UpdateBotSuccessRef = builder.objectRef<{ bot: Bot }>('UpdateBotSuccess').implement({
  description: 'The success of `updateBot`.',
  fields: (t) => ({
    bot: t.expose('bot', { type: BotRef, description: 'The updated bot.' }),
  }),
});

const DeleteBotSuccessRef = builder.objectRef<{ bot: Bot }>('DeleteBotSuccess').implement({
  description: 'The success of `deleteBot`.',
  fields: (t) => ({
    deletedId: t.globalID({
      description: 'The global id that the bot had, for caches that remove it.',
      resolve: ({ bot }) => ({ type: BotRef, id: bot.sid }),
    }),
    bot: t.expose('bot', { type: BotRef, description: 'The bot as it was.' }),
  }),
});

builder.mutationFields((t) => ({
  createBot: t.field({
    type: CreateBotSuccessRef,
    nullable: true,
    description:
      'Creates the bot of an enterprise and delivers the messages that wait for one. Its credentials are not checked with Microsoft; use `verifyBot`.',
    errors: resultUnion('CreateBotResult', 'new bot', ['ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS']),
    args: { input: t.arg({ type: CreateBotInput, required: true, description: 'The bot to create.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ bot: await createBot(gateway, caller, input) }),
  }),
  updateBot: t.field({
    type: UpdateBotSuccessRef,
    nullable: true,
    description:
      'Updates a bot, and delivers the messages that wait because of it. If its application, tenant or enterprise changes, its Teams users are looked up again in the background.',
    errors: resultUnion('UpdateBotResult', 'updated bot', ['BOT_NOT_FOUND', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS']),
    args: { input: t.arg({ type: UpdateBotInput, required: true, description: 'The bot to update and its new values.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ bot: await updateBot(gateway, caller, input) }),
  }),
  deleteBot: t.field({
    type: DeleteBotSuccessRef,
    nullable: true,
    description: 'Deletes a bot and returns it as it was. Until the enterprise has another one, messages to its Teams users wait.',
    errors: resultUnion('DeleteBotResult', 'deleted bot', ['BOT_NOT_FOUND']),
    args: { input: t.arg({ type: DeleteBotInput, required: true, description: 'The bot to delete.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ bot: await deleteBot(gateway, caller, input) }),
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

const VerifyBotSuccessRef = builder.objectRef<{ checks: BotCheck[] }>('VerifyBotSuccess').implement({
  description: 'The success of `verifyBot`: that the checks were made, whether or not they passed.',
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
    type: VerifyBotSuccessRef,
    nullable: true,
    description:
      "Checks a bot's credentials and permissions with Microsoft. Changes nothing; failed checks are part of the result, not errors.",
    errors: resultUnion('VerifyBotResult', 'result of the checks', ['BOT_NOT_FOUND'], { keyed: false }),
    args: { input: t.arg({ type: VerifyBotInput, required: true, description: 'The bot to verify.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ checks: await verifyBot(gateway, caller, input.sid) }),
  }),
);
