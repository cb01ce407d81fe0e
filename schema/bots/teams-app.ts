import type { Bot, DataExport } from '../../prisma/client/client.ts';
import { linkTo } from '../../src/domain/bulk/links.ts';
import { enterpriseNotFound } from '../../src/domain/errors.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import { hasApp } from '../../src/domain/teams-app/package.ts';
import {
  MAX_ICON_LENGTH,
  MAX_LENGTHS,
  type TeamsAppLook,
  type TeamsAppOwner,
  teamsAppOf,
  updateTeamsApp,
} from '../../src/domain/teams-app/settings.ts';
import { normalizeSid } from '../../src/domain/values/sid.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import type { Loaders } from '../loaders.ts';
import { BotRef } from './bot.ts';

interface AppPackage {
  readonly bot: Bot;
  readonly link: DataExport;
}

const packageOf = async (bot: Bot, { appPackageLink }: Loaders): Promise<AppPackage | null> =>
  hasApp(bot) ? { bot, link: await appPackageLink.load(bot) } : null;

const AppPackageRef = builder.node(builder.objectRef<AppPackage>('AppPackage'), {
  id: { resolve: ({ bot }) => bot.sid },
  loadOne: async (sid, { loaders }) => {
    const bot = await loaders.bot.load(sid);
    return bot ? packageOf(bot, loaders) : null;
  },
  description: "A bot's app package: what an administrator uploads to Teams, so that people can have the bot.",
  fields: (t) => ({
    url: t.string({
      description:
        'The signed URL of the package, a zip, for GET without credentials. Anyone who has it can download the package until `dateExpires`.',
      resolve: ({ link }, _args, { gateway }) => linkTo(gateway, 'exports', link.sid),
    }),
    dateExpires: t.field({
      type: 'DateTime',
      description: 'The time by which the download must have begun: five minutes after the request.',
      resolve: ({ link }) => link.dateExpires,
    }),
    version: t.string({
      description:
        'The version in its manifest. It rises whenever something in the package has changed, so that Teams takes it as an update.',
      resolve: ({ bot }, _args, { loaders }) => loaders.appPackageVersion.load(bot),
    }),
  }),
});

builder.prismaObjectFields(BotRef, (t) => ({
  appPackage: t.field({
    type: AppPackageRef,
    nullable: true,
    description: "The bot's app package for Teams. `null` if the application id is not a GUID, which Teams requires.",
    resolve: (bot, _args, { loaders }) => packageOf(bot, loaders),
  }),
}));

/** How an app looks, and the sid of the enterprise or organization whose app it is. */
type TeamsApp = TeamsAppLook & { readonly sid: string };

const appOf = async ({ prisma }: Gateway, owner: TeamsAppOwner): Promise<TeamsApp> => ({
  ...(await teamsAppOf(prisma, owner)),
  sid: owner.enterpriseSid ?? owner.organizationSid,
});

const TeamsAppRef = builder.node(builder.objectRef<TeamsApp>('TeamsApp'), {
  id: { resolve: ({ sid }) => sid },
  loadOne: async (sid, { gateway, caller, loaders }) => {
    const { organizationSid } = caller;
    if (sid === organizationSid && caller.enterpriseSid === undefined) return appOf(gateway, { organizationSid });
    return (await loaders.enterprise.load(sid)) ? appOf(gateway, { organizationSid, enterpriseSid: sid }) : null;
  },
  description: "How an organization's app looks in Teams. Each setting is the enterprise's, or else the organization's, or else a default.",
  fields: (t) => ({
    shortName: t.exposeString('shortName', { description: 'The name below the icon.' }),
    fullName: t.exposeString('fullName', { description: 'The full name.' }),
    shortDescription: t.exposeString('shortDescription', { description: 'What the app does, in one line.' }),
    fullDescription: t.exposeString('fullDescription', { description: 'What the app does.' }),
    developerName: t.exposeString('developerName', { description: "The developer's name. Defaults to the organization's." }),
    accentColor: t.exposeString('accentColor', { description: "`#` and six hex digits. Defaults to the organization's accent colour." }),
    colorIcon: t.exposeString('colorIcon', {
      nullable: true,
      description: 'A PNG of 192 × 192 pixels as a `data:` URL. `null` for a speech bubble on the accent colour.',
    }),
    outlineIcon: t.exposeString('outlineIcon', {
      nullable: true,
      description: 'A white and transparent PNG of 32 × 32 pixels as a `data:` URL. `null` for a speech bubble.',
    }),
    websiteUrl: t.exposeString('websiteUrl', { nullable: true, description: "The developer's website. `null` for the gateway's address." }),
    privacyUrl: t.exposeString('privacyUrl', { nullable: true, description: "The privacy policy. `null` for the gateway's address." }),
    termsOfUseUrl: t.exposeString('termsOfUseUrl', { nullable: true, description: "The terms of use. `null` for the gateway's address." }),
    consoleTab: t.exposeBoolean('consoleTab', { description: 'Whether the app has a tab with the console. Defaults to false.' }),
    welcome: t.exposeBoolean('welcome', {
      description: 'Whether the bot tells new users their numbers and how to write, once. Defaults to true.',
    }),
  }),
});

const owned = { enterpriseSid: 'The sid of the enterprise whose app it is. If left out, the app of the whole organization.' };

builder.queryField('teamsApp', (t) =>
  t.field({
    type: TeamsAppRef,
    nullable: true,
    description:
      "How the Teams app of the caller's organization looks, or of one of its enterprises. `null` if there is no such enterprise, with the error `ENTERPRISE_NOT_FOUND`.",
    args: { enterpriseSid: t.arg.id({ description: owned.enterpriseSid }) },
    resolve: async (_root, { enterpriseSid }, { gateway, caller, loaders }) => {
      const sid = enterpriseSid == null ? caller.enterpriseSid : normalizeSid(enterpriseSid);
      if (sid !== undefined && !(await loaders.enterprise.load(sid))) throw enterpriseNotFound(sid, ['enterpriseSid']);
      return appOf(gateway, { organizationSid: caller.organizationSid, enterpriseSid: sid });
    },
  }),
);

const UpdateTeamsAppInput = builder.inputType('UpdateTeamsAppInput', {
  description: 'Changes to how a Teams app looks. Fields that are left out keep their value; a blank text removes the setting.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: owned.enterpriseSid }),
    shortName: t.string({ description: `The name below the icon, at most ${MAX_LENGTHS.shortName} characters.` }),
    fullName: t.string({ description: `The full name, at most ${MAX_LENGTHS.fullName} characters.` }),
    shortDescription: t.string({ description: `What the app does, at most ${MAX_LENGTHS.shortDescription} characters.` }),
    fullDescription: t.string({ description: `What the app does, at most ${MAX_LENGTHS.fullDescription} characters.` }),
    developerName: t.string({ description: `The developer's name, at most ${MAX_LENGTHS.developerName} characters.` }),
    accentColor: t.string({ description: '`#` and six hex digits.' }),
    colorIcon: t.string({
      description: `A PNG of 192 × 192 pixels as a base64 \`data:\` URL of at most ${MAX_ICON_LENGTH} characters.`,
    }),
    outlineIcon: t.string({
      description: `A white and transparent PNG of 32 × 32 pixels as a base64 \`data:\` URL of at most ${MAX_ICON_LENGTH} characters.`,
    }),
    websiteUrl: t.string({ description: "The developer's website: an `https:` URL." }),
    privacyUrl: t.string({ description: 'The privacy policy: an `https:` URL.' }),
    termsOfUseUrl: t.string({ description: 'The terms of use: an `https:` URL.' }),
    consoleTab: t.boolean({ description: 'Whether the app has a tab with the console.' }),
    welcome: t.boolean({ description: 'Whether the bot tells new users their numbers and how to write.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateTeamsAppSuccessRef = builder.objectRef<{ owner: TeamsAppOwner }>('UpdateTeamsAppSuccess').implement({
  description: 'The success of `updateTeamsApp`.',
  fields: (t) => ({
    teamsApp: t.field({
      type: TeamsAppRef,
      description: 'How the app looks now.',
      resolve: ({ owner }, _args, { gateway }) => appOf(gateway, owner),
    }),
  }),
});

builder.mutationField('updateTeamsApp', (t) =>
  t.field({
    type: UpdateTeamsAppSuccessRef,
    nullable: true,
    description:
      "Changes how the organization's app looks in Teams, or what differs for one enterprise. Download the app package again and upload it to Teams. Needs a provider's credentials that are not restricted to an enterprise.",
    authScopes: { $all: { provider: true, wholeOrganization: true } },
    errors: resultUnion('UpdateTeamsAppResult', 'updated app', ['ENTERPRISE_NOT_FOUND']),
    args: { input: t.arg({ type: UpdateTeamsAppInput, required: true, description: 'The new values.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ owner: await updateTeamsApp(gateway, caller, input) }),
  }),
);
