import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { MAX_EMAIL_LENGTH } from '../../domain/values/text.ts';
import { CurableError, DeliveryError } from '../delivery-error.ts';
import { jsonFields } from '../request.ts';
import { installedApps, isGuid, NO_PERMISSION, notAnAppId, refused } from './app-installations.ts';
import { type Cloud, hasCatalog, installsApps, NO_INSTALLS } from './clouds.ts';
import type { GraphRequests } from './graph-requests.ts';
import type { AppToCheck, BotCheck, BotCredentials, Microsoft } from './microsoft.ts';
import { INSTALLS, READS_CATALOG } from './permissions.ts';

// https://learn.microsoft.com/graph/api/appcatalogs-list-teamsapps
// https://learn.microsoft.com/graph/api/userteamwork-list-installedapps

const catalog = z.object({
  value: z.array(
    z.object({
      id: z.string().min(1),
      externalId: z.string().nullish(),
      appDefinitions: z.array(z.object({ version: z.string().nullish(), publishingState: z.string().nullish() })).nullish(),
    }),
  ),
});
type CatalogApp = z.output<typeof catalog>['value'][number];
const installations = z.object({ value: z.array(z.unknown()) });

/**
 * Creates the checks of a bot's app: in the catalog, and as it is installed for a user. They read only, and never reject. What Graph does not tell is
 * skipped.
 */
export function createAppChecks({ send }: GraphRequests, cloud: Cloud, { findUser }: Pick<Microsoft, 'findUser'>): Microsoft['checkApp'] {
  async function listCatalog(bot: BotCredentials, filter: string): Promise<CatalogApp | undefined> {
    const listed = await send(bot, `v1.0/appCatalogs/teamsApps?$filter=${encodeURIComponent(filter)}&$expand=appDefinitions`);
    if (listed.response.status !== 200) throw refused(listed, READS_CATALOG, { asked: 'show the catalog' });
    return catalog.safeParse(jsonFields(listed.response.text)).data?.value[0];
  }

  /** Finds the app as an installation does: by its id in the catalog, by the one in its manifest, and by the application's. */
  async function findApp(bot: BotCredentials, botAppId: string): Promise<CatalogApp | undefined> {
    if (isGuid(botAppId)) {
      const own = (await listCatalog(bot, `id eq '${botAppId}'`)) ?? (await listCatalog(bot, `externalId eq '${botAppId}'`));
      if (own) return own;
    }
    return isGuid(bot.applicationId) ? listCatalog(bot, `externalId eq '${bot.applicationId.toLowerCase()}'`) : undefined;
  }

  async function isInstalled(bot: BotCredentials, objectId: string, filter: string): Promise<boolean> {
    const listed = await send(bot, `${installedApps(objectId)}?$expand=teamsApp&$filter=${encodeURIComponent(filter)}`);
    if (listed.response.status !== 200) throw refused(listed, INSTALLS, { asked: 'show which apps the user has' });
    return (installations.safeParse(jsonFields(listed.response.text)).data?.value.length ?? 0) > 0;
  }

  return async (bot: BotCredentials, { botAppId, mustBeFound, version, userAddress }: AppToCheck): Promise<BotCheck[]> => {
    const given = botAppId.toLowerCase();
    let teamsAppId: string | undefined;
    const inCatalog = await skippable('CATALOG', READS_CATALOG, mustBeFound && installsApps(cloud), async () => {
      if (!hasCatalog(cloud)) return { passed: false, skipped: true, message: NO_CATALOG };
      if (installsApps(cloud) && !isGuid(given)) return unpublished('BotAppIdInvalid', notAnAppId(botAppId));
      const app = await findApp(bot, given);
      if (!app)
        return unpublished('AppNotInCatalog', `Graph finds no app ${botAppId} in the catalog. That may take two days after its upload.`);
      teamsAppId = app.id;
      const has = publishedVersion(app);
      const states = [...new Set(app.appDefinitions?.map(({ publishingState }) => publishingState))].join(', ');
      if (has === undefined && states)
        return unpublished('AppNotPublished', `The catalog has the app ${botAppId}, but no published version of it (${states}).`);
      const isOwn = app.externalId?.toLowerCase() === bot.applicationId.toLowerCase();
      if (isOwn && version && has && isOlder(has, version))
        return failure('AppOutdated', `The catalog has version ${has} of the app, the app package is ${version}.`);
      return { passed: true, message: has && `Version ${has}` };
    });
    if (userAddress === undefined) return [inCatalog];
    if (!installsApps(cloud)) return [inCatalog, { step: 'INSTALLATION', passed: false, skipped: true, message: NO_INSTALLS }];
    const forUser = await skippable('INSTALLATION', INSTALLS, false, async () => {
      const user = isAddress(userAddress) ? await findUser(bot, userAddress) : undefined;
      if (!user) return failure('UserUnknown', `Microsoft does not know ${userAddress}.`);
      const filters = teamsAppId === undefined ? namesOf(bot, given) : [`teamsApp/id eq '${teamsAppId}'`];
      for (const filter of filters) if (await isInstalled(bot, user.objectId, filter)) return { passed: true };
      return failure('AppNotInstalled', `Graph shows no installation of the app for ${userAddress}.`);
    });
    return [inCatalog, forUser];
  };
}

/** What an app whose id in the catalog is not known may be found by. */
const namesOf = ({ applicationId }: BotCredentials, botAppId: string): string[] => [
  ...(isGuid(botAppId) ? [`teamsApp/id eq '${botAppId}'`, `teamsApp/externalId eq '${botAppId}'`] : []),
  ...(isGuid(applicationId) ? [`teamsApp/externalId eq '${applicationId.toLowerCase()}'`] : []),
];

const isAddress = (text: string) => text.length <= MAX_EMAIL_LENGTH && text.isWellFormed();

type AppVerdict = Pick<BotCheck, 'passed' | 'skipped' | 'code' | 'message' | 'warning'>;

const failure = (code: string, message: string): AppVerdict => ({ passed: false, code, message });
const unpublished = (code: string, message: string): AppVerdict => ({ ...failure(code, message), warning: 'APP_NOT_PUBLISHED' });

const NO_CATALOG = 'In this cloud, Microsoft Graph has no app catalog.';

/** Graph has refused a request: what login refuses has no status. */
const isRefusal = ({ detail = '' }: PlatformError) => /^40[13] /.test(detail);

/**
 * Makes one check. It is skipped if login or Graph refuses to say, or does not respond.
 * @param isNeeded whether an installation asks the same, so that a refusal by Graph makes the check fail
 */
async function skippable(
  step: BotCheck['step'],
  permission: string,
  isNeeded: boolean,
  check: () => Promise<AppVerdict>,
): Promise<BotCheck> {
  try {
    return { step, ...(await check()) };
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    const { cause } = error;
    const isMissing = cause instanceof CurableError && cause.code === NO_PERMISSION;
    if (isNeeded && isRefusal(error)) {
      const message = isMissing ? lacks(permission) : `${error.message} The permission ${permission} of Microsoft Graph allows it.`;
      const code = isMissing ? 'PermissionsMissing' : (cause as DeliveryError).code;
      return { step, passed: false, code, message, permissions: [permission], warning: 'INSTALL_PERMISSION' };
    }
    return {
      ...{ step, passed: false, skipped: true, message: error.message },
      ...(cause instanceof DeliveryError && !isMissing && { code: cause.code, isTemporary: cause.outcome === 'retry' }),
      ...(isMissing && { permissions: [permission], message: lacks(permission) }),
    };
  }
}

const lacks = (permission: string) => `The application may not read this: it lacks the permission ${permission}.`;

/** The latest version of an app that users can get. */
function publishedVersion({ appDefinitions }: CatalogApp): string | undefined {
  const published = (appDefinitions ?? []).filter(({ publishingState }) => (publishingState ?? 'published') === 'published');
  const versions = published.flatMap(({ version }) => version ?? []);
  return versions.reduce<string | undefined>((last, version) => (last === undefined || isOlder(last, version) ? version : last), undefined);
}

/** Compares versions as semver.org orders them, without what is not a number. */
function isOlder(one: string, other: string): boolean {
  const [parts, others] = [one, other].map((version) => version.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (const [index, part] of (others ?? []).entries()) {
    const difference = (parts?.[index] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
