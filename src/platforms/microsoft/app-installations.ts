import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { CurableError, DeliveryError } from '../delivery-error.ts';
import { joinUrl, jsonFields, retryAfterMs } from '../request.ts';
import { type Cloud, installsApps, NO_INSTALLS } from './clouds.ts';
import type { GraphRequests, GraphResponse } from './graph-requests.ts';
import type { AppInstallation, BotCredentials, Microsoft } from './microsoft.ts';
import { graphError } from './outcomes.ts';
import { INSTALLS, READS_CATALOG } from './permissions.ts';

// https://learn.microsoft.com/microsoftteams/platform/graph-api/proactive-bots-and-messages/graph-proactive-bots-and-messages
// https://learn.microsoft.com/graph/api/userteamwork-post-installedapps

/** Graph's words for a user that Teams does not know (msgraph-sdk-java#1445). */
const USER_NOT_FOUND = /\buser id\b.*\bnot found\b/i;
/** Its words, with a 403, for a user who has no licence of Teams. */
const UNLICENSED = /\blicen[cs]e information for the user\b/i;
const HOUR_MS = 60 * 60_000;
const NOT_IN_CATALOG = 'AppNotInCatalog';

/** The code of an error that no retry can cure: in the bot's cloud, only people can install the app. */
export const UNSUPPORTED = 'InstallUnsupported';

/** The code of a refusal to install the app that no permission of Graph cures: the application, or the user, may not have it. */
export const FORBIDDEN = 'InstallForbidden';

/** The code of a refusal that a permission of Graph cures. */
export const NO_PERMISSION = 'InstallPermission';

/** The code of a refusal by which Graph does not know the app or the user, while the application may not look up which. */
export const APP_OR_USER_UNKNOWN = 'AppOrUserUnknown';

/** The code of a refusal by which Graph does not know the app that it took for another user before, or the user. */
export const APP_GONE = 'AppGone';

/** The code of a refusal by which Graph does not know the user as one of Teams. */
export const USER_NOT_IN_TEAMS = 'UserNotInTeams';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const isGuid = (text: string): boolean => GUID.test(text);
const found = z.object({ value: z.array(z.object({ id: z.string().min(1) })) });
const chat = z.object({ id: z.string().min(1).max(2000) });

/**
 * Creates a client of the installations of Teams apps in Graph.
 * @param serviceUrl the connector for users that no activity has come from; absent if the cloud has none in common
 */
export function createAppInstallations(
  { send, graphUrl }: GraphRequests,
  cloud: Cloud,
  serviceUrl: string | undefined,
): Pick<Microsoft, 'installApp'> {
  /** By bot and botAppId: the app's id in the catalog, once Graph has taken or named it. It lasts an hour, since the app may be published anew. */
  const catalogIds = new LRUCache<string, string>({ max: 10_000, ttl: HOUR_MS });

  /**
   * @returns whether the app was installed already; `undefined` if Graph does not know the app by this id, or not the user
   * @throws PlatformError if it says that it does not know the user
   */
  async function install(bot: BotCredentials, objectId: string, teamsAppId: string): Promise<boolean | undefined> {
    const sent = await send(bot, installedApps(objectId), {
      body: { 'teamsApp@odata.bind': joinUrl(graphUrl, `v1.0/appCatalogs/teamsApps/${teamsAppId}`) },
    });
    const { status } = sent.response;
    if (status === 201) return false;
    if (status === 409) return true;
    if (status === 404 && USER_NOT_FOUND.test(sent.refusal().message)) throw userNotInTeams();
    // An id that is no app's is a 404, or a 400 (https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/5972).
    if (status === 404 || status === 400) return undefined;
    if (status === 403 && UNLICENSED.test(sent.refusal().message)) throw userNotInTeams();
    throw refused(sent, INSTALLS, { forbiddenCode: FORBIDDEN });
  }

  /** Finds an app's id in the organization's catalog, by the same or by the id in its manifest, which the catalog calls external. */
  async function findInCatalog(bot: BotCredentials, field: 'id' | 'externalId', value: string): Promise<string | undefined> {
    const sent = await send(bot, `v1.0/appCatalogs/teamsApps?$filter=${encodeURIComponent(`${field} eq '${value}'`)}&$select=id`);
    if (sent.response.status !== 200) throw refused(sent, READS_CATALOG);
    return found.safeParse(jsonFields(sent.response.text)).data?.value[0]?.id;
  }

  async function chatOf(bot: BotCredentials, objectId: string, teamsAppId: string): Promise<string | undefined> {
    const filter = encodeURIComponent(`teamsApp/id eq '${teamsAppId}'`);
    const listed = await send(bot, `${installedApps(objectId)}?$expand=teamsApp&$filter=${filter}`);
    if (listed.response.status !== 200) throw refused(listed, INSTALLS);
    const id = found.safeParse(jsonFields(listed.response.text)).data?.value[0]?.id;
    if (id === undefined) return undefined;
    const asked = await send(bot, `${installedApps(objectId)}/${encodeURIComponent(id)}/chat`);
    if (asked.response.status !== 200) throw refused(asked, INSTALLS);
    return chat.safeParse(jsonFields(asked.response.text)).data?.id;
  }

  return {
    installApp: async (bot, { objectId, botAppId }): Promise<AppInstallation> => {
      if (!installsApps(cloud)) throw notInstalled(UNSUPPORTED, NO_INSTALLS);
      if (!isGuid(botAppId)) throw notInstalled('BotAppIdInvalid', notAnAppId(botAppId));
      const key = JSON.stringify([bot.applicationId, bot.tenantId, botAppId]).toLowerCase();
      const known = catalogIds.get(key);
      const given = botAppId.toLowerCase();
      const tried = known ?? given;
      let id = tried;
      let forbidden: PlatformError | undefined;
      let isRepeated = await install(bot, objectId, tried).catch((error) => {
        if (!(error instanceof PlatformError && isForbidden(error))) throw error;
        forbidden = error;
        return undefined;
      });
      // Graph may know no app by this id, or no longer: it may have been published anew.
      if (isRepeated === undefined) {
        id = await catalogId(bot, given).catch((error) => {
          if (!isInconclusive(error)) throw error;
          // The id may be the catalog's, which need not be looked up.
          const isOther = tried !== bot.applicationId.toLowerCase();
          const mayNotLookUp = codeOf(error) === NO_PERMISSION;
          if (forbidden && isOther) throw mayNotLookUp ? forbiddenUnlessFound(forbidden) : forbidden;
          if (known !== undefined) throw appGone(botAppId);
          throw isOther && mayNotLookUp ? appOrUserUnknown(botAppId) : error;
        });
        if (id !== tried) {
          catalogIds.set(key, id);
          isRepeated = await install(bot, objectId, id);
        } else if (forbidden) throw forbidden;
      }
      if (isRepeated === undefined) throw userNotInTeams();
      catalogIds.set(key, id);
      // The app is installed, whatever becomes of this: the connector opens the chat as well.
      const conversationId = await chatOf(bot, objectId, id).catch((error) => {
        if (error instanceof PlatformError) return undefined;
        throw error;
      });
      return { wasInstalled: isRepeated, conversation: conversationId && serviceUrl ? { serviceUrl, conversationId } : undefined };
    },
  };

  /** @throws PlatformError if neither id is an app's of the catalog */
  async function catalogId(bot: BotCredentials, botAppId: string): Promise<string> {
    const candidates = [
      ['externalId', botAppId],
      ['id', botAppId],
      ['externalId', bot.applicationId.toLowerCase()],
    ] as const;
    for (const [field, id] of candidates) {
      const teamsAppId = isGuid(id) ? await findInCatalog(bot, field, id) : undefined;
      if (teamsAppId !== undefined) return teamsAppId;
    }
    throw notInstalled(NOT_IN_CATALOG, `No app ${botAppId} is published to the organization's app catalog, or to the Teams Store.`);
  }
}

/** The path of the apps that are installed for a user. */
export const installedApps = (objectId: string): string => `v1.0/users/${encodeURIComponent(objectId)}/teamwork/installedApps`;

/** Says that no app can have this id. */
export const notAnAppId = (botAppId: string): string =>
  `The bot's botAppId ${JSON.stringify(botAppId)} is not the id of a Teams app: it must be a GUID.`;

const userNotInTeams = () =>
  notInstalled(USER_NOT_IN_TEAMS, 'Graph cannot install the app: the user is not, or not yet, a user of Microsoft Teams.');

/** Of an id that Graph took for another user before. */
const appGone = (botAppId: string) =>
  notInstalled(APP_GONE, `Graph no longer knows the app ${botAppId}, or the user is not, or not yet, a user of Microsoft Teams.`);

const LOOKS_UP = `If the bot's botAppId is not the id that the catalog gave the app, finding the app takes the permission ${READS_CATALOG} of Microsoft Graph.`;
const appOrUserUnknown = (botAppId: string) =>
  notInstalled(
    APP_OR_USER_UNKNOWN,
    `Graph does not know the app ${botAppId}, or the user is not, or not yet, a user of Microsoft Teams. ${LOOKS_UP}`,
  );
const forbiddenUnlessFound = ({ message, detail }: PlatformError) => notInstalled(FORBIDDEN, `${message} ${LOOKS_UP}`, { detail });

/**
 * Whether Graph says that the application may not manage the app. That may mean that it knows no app by this id, such as the one in a manifest, which the
 * catalog rarely has (https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/478).
 */
const isForbidden = (error: unknown) => codeOf(error) === FORBIDDEN;
/** Whether the catalog must not be read, or does not have the app, which may be listed days after its upload: what Graph said before says more. */
const isInconclusive = (error: unknown) => codeOf(error) === NO_PERMISSION || codeOf(error) === NOT_IN_CATALOG;

const codeOf = (error: unknown) => (error instanceof PlatformError && error.cause instanceof CurableError ? error.cause.code : undefined);

const notInstalled = (code: string, message: string, options: { detail?: string; retryAfterMs?: number } = {}) =>
  new PlatformError(message, {
    detail: options.detail ?? code,
    cause: new CurableError('APP_NOT_INSTALLED', code, message, options.retryAfterMs),
  });

/**
 * The error of a refusal. A missing permission has Graph's words "Missing role permissions on the request" (office-docs-powershell#8399).
 * @param asked what Graph was asked to do
 * @param forbiddenCode the code of any other 403; defaults to Graph's
 */
export function refused(
  { response, refusal }: GraphResponse,
  permission: string,
  { asked = 'install the app', forbiddenCode }: { readonly asked?: string; readonly forbiddenCode?: string } = {},
): PlatformError {
  const { code, message } = refusal();
  const [detail, retry] = [`${response.status} ${code}`, retryAfterMs(response)];
  if (response.status !== 403) {
    const known = graphError(response.status, { code, message }, retry);
    return new PlatformError(message, { detail, cause: response.status < 429 ? known : new DeliveryError('retry', code, message, retry) });
  }
  if (!/\bmissing (role|scope) permissions\b|\bauthorization_requestdenied\b/i.test(`${code} ${message}`)) {
    return notInstalled(forbiddenCode ?? code, `Graph does not ${asked}: ${message}`, { detail });
  }
  const words = `The application may not install its app: grant it the permission ${permission} of Microsoft Graph. ${message}`;
  return notInstalled(NO_PERMISSION, words, { detail });
}
