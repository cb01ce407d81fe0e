import type { BotCredential } from '../../prisma/client/client.ts';
import { addBotCertificate, addBotSecret, credentialOf, removeBotCredential } from '../../src/domain/bots/bot-credentials.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { BotRef } from './bot.ts';

const BotCredentialKindEnum = builder.enumType('BotCredentialKind', {
  description: 'What proves to Microsoft that the gateway acts for an application.',
  values: {
    SECRET: { description: 'A client secret.' },
    CERTIFICATE: { description: 'A certificate, whose private key signs an assertion for each token (RFC 7523).' },
  } as const,
});

const BotCredentialRef = builder.prismaNode('BotCredential', {
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => credentialOf(caller, sid),
  nullable: true,
  description: 'A secret or certificate that a bot has in addition to its `clientSecret`.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `BC` followed by 32 hex digits.' }),
    kind: t.field({ type: BotCredentialKindEnum, description: 'What it is.', resolve: ({ kind }) => kind as 'SECRET' | 'CERTIFICATE' }),
    name: t.exposeString('name', { nullable: true, description: 'A name to recognize it by. `null` if none was given.' }),
    hint: t.exposeString('hint', {
      nullable: true,
      description: 'The end of a secret, to recognize it by: at most four characters, and at most half of it. `null` for a certificate.',
    }),
    thumbprint: t.exposeString('thumbprint', {
      nullable: true,
      description: 'The SHA-256 digest of a certificate in hex, as Microsoft Entra shows it. `null` for a secret.',
    }),
    certificate: t.exposeString('certificate', { nullable: true, description: 'The certificate as PEM. `null` for a secret.' }),
    dateExpires: t.expose('dateExpires', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends. `null` for a secret for which that was not given.',
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'When it was added.' }),
  }),
});

builder.prismaObjectFields(BotRef, (t) => ({
  credentials: t.field({
    type: [BotCredentialRef],
    description: 'The credentials that the bot has in addition to its `clientSecret`, the latest first. At most 10.',
    resolve: (bot, _args, { loaders }) => loaders.botCredentials.load(bot),
  }),
}));

const AddBotSecretInput = builder.inputType('AddBotSecretInput', {
  description: 'A secret to add to a bot.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }),
    secret: t.string({
      required: true,
      description: 'A client secret, at most 1024 characters. It is stored encrypted, and never returned.',
    }),
    dateExpires: t.field({ type: 'DateTime', description: 'When it ends.' }),
    name: t.string({ description: 'A name to recognize it by, at most 255 characters.' }),
    ...idempotencyKey(t),
  }),
});

const AddBotCertificateInput = builder.inputType('AddBotCertificateInput', {
  description: 'A certificate to add to a bot.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }),
    certificate: t.string({ required: true, description: 'An X.509 certificate as PEM, at most 16384 characters.' }),
    privateKey: t.string({
      required: true,
      description: "The certificate's RSA key of at least 2048 bits as unencrypted PEM. It is stored encrypted, and never returned.",
    }),
    name: t.string({ description: 'A name to recognize it by, at most 255 characters.' }),
    ...idempotencyKey(t),
  }),
});

const RemoveBotCredentialInput = builder.inputType('RemoveBotCredentialInput', {
  description: 'A credential to remove.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the credential: `BC` followed by 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

interface Changed {
  readonly credential: BotCredential;
}
type ChangedFields = PothosSchemaTypes.ObjectFieldBuilder<(typeof builder)['$inferSchemaTypes'], Changed>;

const botOf = (t: ChangedFields) => ({
  bot: t.field({
    type: BotRef,
    nullable: true,
    description: 'The bot, whose `credentials` caches show. `null` in a repeated request if the bot is deleted by now.',
    resolve: ({ credential }, _args, { loaders }) => loaders.bot.load(credential.botSid),
  }),
});

const AddBotSecretSuccessRef = builder.objectRef<Changed>('AddBotSecretSuccess').implement({
  description: 'The success of `addBotSecret`.',
  fields: (t) => ({ credential: t.expose('credential', { type: BotCredentialRef, description: 'The new credential.' }), ...botOf(t) }),
});

const AddBotCertificateSuccessRef = builder.objectRef<Changed>('AddBotCertificateSuccess').implement({
  description: 'The success of `addBotCertificate`.',
  fields: (t) => ({ credential: t.expose('credential', { type: BotCredentialRef, description: 'The new credential.' }), ...botOf(t) }),
});

const RemoveBotCredentialSuccessRef = builder.objectRef<Changed>('RemoveBotCredentialSuccess').implement({
  description: 'The success of `removeBotCredential`.',
  fields: (t) => ({
    deletedId: t.globalID({
      description: 'The global id that the credential had, for caches that remove it.',
      resolve: ({ credential }) => ({ type: BotCredentialRef, id: credential.sid }),
    }),
    credential: t.expose('credential', { type: BotCredentialRef, description: 'The credential as it was.' }),
    ...botOf(t),
  }),
});

builder.mutationFields((t) => ({
  addBotSecret: t.field({
    type: AddBotSecretSuccessRef,
    nullable: true,
    description:
      'Adds a secret to a bot, and delivers the messages that wait because of its credentials. Login is shown one credential after another until it takes one, so that one can be replaced without a gap.',
    errors: resultUnion('AddBotSecretResult', 'new credential', ['BOT_NOT_FOUND', 'ENTERPRISE_CLOSED']),
    args: { input: t.arg({ type: AddBotSecretInput, required: true, description: 'The secret to add.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ credential: await addBotSecret(gateway, caller, input) }),
  }),
  addBotCertificate: t.field({
    type: AddBotCertificateSuccessRef,
    nullable: true,
    description: 'Adds a certificate to a bot, as `addBotSecret` adds a secret.',
    errors: resultUnion('AddBotCertificateResult', 'new credential', ['BOT_NOT_FOUND', 'ENTERPRISE_CLOSED']),
    args: { input: t.arg({ type: AddBotCertificateInput, required: true, description: 'The certificate to add.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ credential: await addBotCertificate(gateway, caller, input) }),
  }),
  removeBotCredential: t.field({
    type: RemoveBotCredentialSuccessRef,
    nullable: true,
    description:
      'Removes a credential that was added with `addBotSecret` or `addBotCertificate`. Tokens that it got stay valid for up to an hour.',
    errors: resultUnion('RemoveBotCredentialResult', 'removed credential', ['BOT_CREDENTIAL_NOT_FOUND']),
    args: { input: t.arg({ type: RemoveBotCredentialInput, required: true, description: 'The credential to remove.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ credential: await removeBotCredential(gateway, caller, input) }),
  }),
}));
