import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import type { Bot, PrismaClient, TeamsAppVersion } from '../../../prisma/client/client.ts';
import type { Gateway } from '../gateway.ts';
import { applicationIdUri } from '../values/application-id-uri.ts';
import { COMMANDS } from './commands.ts';
import { colorIcon, outlineIcon } from './icons.ts';
import { pngOfDataUrl } from './png.ts';
import { type TeamsAppLook, teamsAppOf, teamsAppsOf } from './settings.ts';

// The app package that brings an enterprise's bot into Teams: a zip of a manifest, two icons and a translation.
// https://learn.microsoft.com/microsoft-365/extensibility/schema/

/** The current version of the schema, of August 2026. */
const MANIFEST_VERSION = '1.30';
const SCHEMAS = `https://developer.microsoft.com/json-schemas/teams/v${MANIFEST_VERSION}`;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A package, and the version in its manifest. */
interface AppPackage {
  readonly version: string;
  readonly zip: Uint8Array;
}

/** Whether a bot can have an app: Teams knows it by its application's id, which must be a GUID. */
export const hasApp = ({ applicationId }: Pick<Bot, 'applicationId'>): boolean => GUID.test(applicationId);

/**
 * Makes the app package of a bot that has one. Its version rises whenever something in it has changed, so that Teams takes it as an update.
 * @throws TypeError if the bot's application id is not a GUID
 */
export async function makeAppPackage({ prisma, publicUrl }: Pick<Gateway, 'prisma' | 'publicUrl'>, bot: Bot): Promise<AppPackage> {
  if (!hasApp(bot)) throw new TypeError('The application id is not a GUID');
  const { manifest, files, digest } = contentOf(bot, await teamsAppOf(prisma, bot), publicUrl);
  const known = await prisma.teamsAppVersion.findUnique({ where: { botSid: bot.sid } });
  const version = await versionOf(prisma, bot, digest, known);
  const zip = zipSync({ 'manifest.json': jsonFile({ ...manifest, version }), ...files }, { mtime: new Date(1980, 0, 1) });
  return { version, zip };
}

/** Reads the versions of the app packages of bots of one organization, which have apps, without making the packages. */
export async function appPackageVersions(
  { prisma, publicUrl }: Pick<Gateway, 'prisma' | 'publicUrl'>,
  organizationSid: string,
  bots: readonly Bot[],
): Promise<string[]> {
  const [lookOf, known] = await Promise.all([
    teamsAppsOf(
      prisma,
      organizationSid,
      bots.map(({ enterpriseSid }) => enterpriseSid),
    ),
    prisma.teamsAppVersion.findMany({ where: { organizationSid, botSid: { in: bots.map(({ sid }) => sid) } } }),
  ]);
  const knownOf = new Map(known.map((row) => [row.botSid, row]));
  const versions: string[] = [];
  for (const bot of bots)
    versions.push(await versionOf(prisma, bot, contentOf(bot, lookOf(bot.enterpriseSid), publicUrl).digest, knownOf.get(bot.sid)));
  return versions;
}

/** What is in a bot's package apart from the version, and the digest of that. */
function contentOf(bot: Bot, look: TeamsAppLook, publicUrl: string) {
  const manifest = manifestOf(bot, look, publicUrl);
  const files = {
    'color.png': (look.colorIcon && pngOfDataUrl(look.colorIcon)) || colorIcon(look.accentColor),
    'outline.png': (look.outlineIcon && pngOfDataUrl(look.outlineIcon)) || outlineIcon(),
    'de.json': jsonFile(germanOf(look)),
  };
  const digest = createHash('sha256').update(JSON.stringify(manifest));
  for (const content of Object.values(files)) digest.update(content);
  return { manifest, files, digest: digest.digest('base64url') };
}

function manifestOf({ applicationId }: Bot, look: TeamsAppLook, publicUrl: string) {
  const { hostname } = new URL(publicUrl);
  const id = applicationId.toLowerCase();
  const home = `${publicUrl}/`;
  return {
    $schema: `${SCHEMAS}/MicrosoftTeams.schema.json`,
    manifestVersion: MANIFEST_VERSION,
    version: '',
    // Of the catalogs of several tenants, each has its own copy of the app.
    id,
    developer: {
      name: look.developerName,
      websiteUrl: look.websiteUrl ?? home,
      privacyUrl: look.privacyUrl ?? home,
      termsOfUseUrl: look.termsOfUseUrl ?? home,
    },
    name: { short: look.shortName, full: look.fullName },
    description: { short: look.shortDescription, full: look.fullDescription },
    localizationInfo: { defaultLanguageTag: 'en', additionalLanguages: [{ languageTag: 'de', file: 'de.json' }] },
    icons: { color: 'color.png', outline: 'outline.png' },
    accentColor: look.accentColor,
    bots: [
      {
        botId: id,
        scopes: ['personal'],
        supportsFiles: false,
        isNotificationOnly: false,
        commandLists: [{ scopes: ['personal'], commands: COMMANDS.map(({ title, description }) => ({ title, description })) }],
      },
    ],
    ...(look.consoleTab && {
      staticTabs: [
        {
          entityId: 'console',
          name: 'Console',
          contentUrl: `${publicUrl}/console/`,
          websiteUrl: `${publicUrl}/console/`,
          scopes: ['personal'],
        },
      ],
    }),
    permissions: ['identity', 'messageTeamMembers'],
    validDomains: [hostname],
    // Lets the application install the app, by TeamsAppInstallation.ReadWriteSelfForUser.All, and Teams sign users in to the tab.
    webApplicationInfo: { id, resource: applicationIdUri(publicUrl, id) },
  };
}

/** The texts in German, by their places in the manifest. Teams requires the names and descriptions, which are settings in one language, here as well. */
const germanOf = (look: TeamsAppLook) => ({
  $schema: `${SCHEMAS}/MicrosoftTeams.Localization.schema.json`,
  'name.short': look.shortName,
  'name.full': look.fullName,
  'description.short': look.shortDescription,
  'description.full': look.fullDescription,
  ...Object.fromEntries(COMMANDS.map(({ german }, at) => [`bots[0].commandLists[0].commands[${at}].description`, german])),
});

const jsonFile = (content: object): Uint8Array => Buffer.from(`${JSON.stringify(content, null, 2)}\n`);

/**
 * The version of this content: that of the last content if it is the same, else the next one. A new bot continues the versions of its application, by which
 * Teams knows the app.
 * @param known the version of the bot's last content
 */
async function versionOf(prisma: PrismaClient, bot: Bot, digest: string, known: TeamsAppVersion | null | undefined): Promise<string> {
  const { sid: botSid, organizationSid } = bot;
  const applicationId = bot.applicationId.toLowerCase();
  if (known?.digest === digest && known.applicationId === applicationId) return `1.${known.version}.0`;
  const [row] = await prisma.$queryRaw<{ version: number }[]>`
    INSERT INTO teams_app_version AS v (organization_sid, bot_sid, application_id, digest, version)
    VALUES (${organizationSid}, ${botSid}, ${applicationId}, ${digest}, coalesce((
      SELECT last.version + CASE WHEN last.digest = ${digest} THEN 0 ELSE 1 END FROM teams_app_version last
      WHERE last.organization_sid = ${organizationSid} AND last.application_id = ${applicationId} ORDER BY last.version DESC LIMIT 1), 1))
    ON CONFLICT (bot_sid) DO UPDATE SET application_id = excluded.application_id, digest = excluded.digest,
      version = CASE WHEN v.digest = excluded.digest THEN v.version ELSE greatest(v.version + 1, excluded.version) END
    RETURNING version`;
  return `1.${row?.version ?? 1}.0`;
}
