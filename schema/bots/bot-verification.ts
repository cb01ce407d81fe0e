import { type BotVerification, type VerifiedCheck, verifyBot } from '../../src/domain/bots/bot-verification.ts';
import { type BotCheck, botCheckSteps } from '../../src/platforms/microsoft/microsoft.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { BotAuthorityEnum } from './bot.ts';

const STEPS: Readonly<Record<BotCheck['step'], string>> = {
  IDS: 'The application id is a GUID, and the tenant id a GUID or a domain.',
  TOKEN: 'Microsoft issues a token by a credential: one check for each.',
  GRAPH:
    'The application can read the users of its tenant with Microsoft Graph (`User.Read.All`) and, in clouds where applications can, install its app for them (`TeamsAppInstallation.ReadWriteSelfForUser.All`, `AppCatalog.Read.All`). The message names permissions that it lacks, also those that messages do not need.',
  CATALOG:
    "The app is in the catalog of the tenant's Teams, published, in the version of `Bot.appPackage` or a later one. Needs `AppCatalog.Read.All`.",
  INSTALLATION:
    'The app is installed for the user of `microsoftAddress`. Needs `TeamsAppInstallation.ReadWriteSelfForUser.All`. Also fails, whatever `microsoftAddress` is, if Microsoft has refused to install the app for several users, or for all users so far; if an installation lacked the permission, and tokens do not show which permissions the application has; or if only people can install the app in the cloud of the bot, and no user has it.',
  CONNECTOR: 'The Bot Framework accepts the token and knows the bot.',
  ENDPOINT: 'The messaging endpoint below PUBLIC_URL leads to this gateway, and refuses what Microsoft has not signed.',
};

const BotCheckStepEnum = builder.enumType('BotCheckStep', {
  description: 'The checks that `verifyBot` makes, in their order.',
  values: Object.fromEntries(botCheckSteps.map((value) => [value, { value, description: STEPS[value] }])),
});

const BotCheckRef = builder.objectRef<VerifiedCheck>('BotCheck').implement({
  description: 'The result of one check of `verifyBot`.',
  fields: (t) => ({
    step: t.field({ type: BotCheckStepEnum, description: 'The check.', resolve: (check) => check.step }),
    passed: t.exposeBoolean('passed', { description: 'Whether the check passed. False if it was skipped, too.' }),
    skipped: t.boolean({
      description: 'Whether the check could not be made, e.g. without a permission: `message` says why.',
      resolve: ({ skipped }) => skipped ?? false,
    }),
    message: t.exposeString('message', {
      nullable: true,
      description:
        "The reason why the check failed, usually in Microsoft's words; for `TOKEN`, also the id of a tenant that is given as a domain. Otherwise `null`.",
    }),
    code: t.exposeString('code', {
      nullable: true,
      description: "Microsoft's error code, e.g. `AADSTS7000222`. `null` if the check passed.",
    }),
    cure: t.exposeString('cure', {
      nullable: true,
      description: 'What to do about it. `null` if the check passed, or Microsoft did not respond.',
    }),
    credentialSid: t.exposeID('credentialSid', {
      nullable: true,
      description: 'Of `TOKEN`: the sid of the further credential that was tried. `null` for the client secret.',
    }),
  }),
});

const VerifyBotSuccessRef = builder.objectRef<BotVerification>('VerifyBotSuccess').implement({
  description: 'The success of `verifyBot`: that the checks were made, whether or not they passed.',
  fields: (t) => ({
    passed: t.boolean({
      description: 'Whether all checks passed, apart from those that were skipped.',
      resolve: ({ checks }) => checks.every(({ passed, skipped }) => passed || skipped),
    }),
    checks: t.field({
      type: [BotCheckRef],
      description: 'The results of all checks. Each check is made even if another one fails.',
      resolve: ({ checks }) => [...checks],
    }),
    authority: t.field({
      type: BotAuthorityEnum,
      nullable: true,
      description:
        "Whose tokens the Bot Framework takes, if not the bot's `authority`, then another one. `null` if it takes none, or the cloud has no connector in common to ask.",
      resolve: ({ authority }) => authority,
    }),
  }),
});

const VerifyBotInput = builder.inputType('VerifyBotInput', {
  description: 'A bot to verify.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the bot: `BE` followed by 32 hex digits.' }),
    microsoftAddress: t.string({
      description: 'The user principal name or object id of a user who should have the app. If left out, no user is looked up.',
    }),
    idempotencyKey: t.string({ description: 'Ignored: every request checks again.' }),
  }),
});

builder.mutationField('verifyBot', (t) =>
  t.field({
    type: VerifyBotSuccessRef,
    nullable: true,
    description:
      "Checks a bot's credentials, permissions and app with Microsoft. Changes nothing but `Bot.health`, and the cloud of a bot whose tenant turns out to be in GCC; failed checks are part of the result, not errors.",
    errors: resultUnion('VerifyBotResult', 'result of the checks', ['BOT_NOT_FOUND'], { keyed: false }),
    args: { input: t.arg({ type: VerifyBotInput, required: true, description: 'The bot to verify.' }) },
    resolve: (_root, { input }, { gateway, caller }) => verifyBot(gateway, caller, input),
  }),
);
