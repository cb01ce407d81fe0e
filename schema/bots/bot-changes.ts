import type { Bot } from '../../prisma/client/client.ts';
import { botEdge, createBot, deleteBot, updateBot } from '../../src/domain/bots/bots.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { BotAuthorityEnum, BotEdge, BotRef, CloudEnum } from './bot.ts';

const CreateBotInput = builder.inputType('CreateBotInput', {
  description: 'A bot to create. Its client secret has at most 1024 characters, everything else at most 255.',
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise, which must not have a bot yet.' }),
    applicationId: t.string({
      required: true,
      description: 'The application (client) id in Azure. Several enterprises can use the same application.',
    }),
    tenantId: t.string({ required: true, description: "The id of the application's tenant." }),
    clientSecret: t.string({
      description: 'The client secret of the application. It is stored encrypted. Mandatory without a certificate.',
    }),
    certificate: t.string({
      description:
        'An X.509 certificate of the application as PEM, in place of the client secret or in addition: the first of its further credentials.',
    }),
    privateKey: t.string({ description: "The certificate's RSA key as unencrypted PEM. It is stored encrypted, and never returned." }),
    botAppId: t.string({ required: true, description: 'The app store id of the published bot app.' }),
    cloud: t.field({ type: CloudEnum, description: 'The cloud of the tenant. Defaults to `COMMERCIAL`.' }),
    authority: t.field({
      type: BotAuthorityEnum,
      description: 'Whose login issues the tokens for the Bot Framework. Defaults to `TENANT`.',
    }),
    homeTenantId: t.string({ description: "The id of the application's own tenant. Mandatory with the authority `HOME`." }),
    dateClientSecretExpires: t.field({
      type: 'DateTime',
      description: 'When the client secret ends. Where it is not given, Microsoft Graph is asked (`Application.Read.All`).',
    }),
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
    removeClientSecret: t.boolean({
      description: 'Removes the client secret of a bot that has another credential. Not together with `clientSecret`.',
    }),
    botAppId: t.string({ description: 'The new app store id of the published bot app.' }),
    cloud: t.field({ type: CloudEnum, description: 'The new cloud of the tenant.' }),
    authority: t.field({ type: BotAuthorityEnum, description: 'Whose login issues the tokens for the Bot Framework from now on.' }),
    homeTenantId: t.string({ description: "The id of the application's own tenant. Mandatory with the authority `HOME`." }),
    dateClientSecretExpires: t.field({
      type: 'DateTime',
      description: 'When the client secret ends. Where it is not given, Microsoft Graph is asked (`Application.Read.All`).',
    }),
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
