import type { FakeAnswer, FakeRequest } from './fake-server.ts';
import { refused, tokenOf } from './microsoft-answers.ts';
import type { FakeBot, FakeUser, MicrosoftState } from './microsoft-state.ts';

/** "Permissions" of "Install app for user" and "List teamsApp": the least one, then those that include it. */
const INSTALLS = [
  'ReadWriteSelfForUser',
  'ReadWriteForUser',
  'ReadWriteSelectedForUser',
  'ManageSelectedForUser',
  'ReadWriteAndConsentSelfForUser',
  'ReadWriteAndConsentForUser',
].map((name) => `TeamsAppInstallation.${name}.All`);
const READS_CATALOG = ['AppCatalog.Read.All', 'AppCatalog.ReadWrite.All'];

/**
 * The app catalog and the apps installed for users: "List teamsApp", "Install app for user", "List apps installed for user" and "Get chat" of Graph
 * 1.0. Missing permissions in the words of office-docs-powershell#8399, a manifest without webApplicationInfo in those of msteams-docs#6820, an unknown user in
 * those of msgraph-sdk-java#1445.
 */
export function answerApps(state: MicrosoftState, request: FakeRequest): FakeAnswer {
  const given = tokenOf(state, request);
  if (!given) return refused(401, 'InvalidAuthenticationToken', 'Access token is empty or not valid.');
  const { bot, permissions } = given;
  const url = new URL(request.path, 'http://graph');
  const filter = url.searchParams.get('$filter') ?? '';
  const own = state.apps.filter(({ tenantId }) => tenantId === bot.tenantId);
  if (request.route === 'catalog') {
    if (!READS_CATALOG.some((permission) => permissions.includes(permission))) return missing(READS_CATALOG, permissions);
    const [, field, value] = /^(id|externalId) eq '([^']*)'$/.exec(filter) ?? [];
    const matching = own.filter((app) => app[field as 'id' | 'externalId'] === value);
    const expanded = url.searchParams.get('$expand') === 'appDefinitions';
    const shown = matching.map(({ id, externalId, versions, publishingState }) => ({
      ...{ id, externalId },
      ...(expanded && { appDefinitions: versions.map((version) => ({ version, publishingState })) }),
    }));
    return { status: 200, body: { value: shown } };
  }
  if (!INSTALLS.some((permission) => permissions.includes(permission))) return missing(INSTALLS, permissions);
  const [, objectId, installationId] = /^\/v1\.0\/users\/([^/]+)\/teamwork\/installedApps(?:\/([^/]+)\/chat)?$/.exec(url.pathname) ?? [];
  const user = state.users.find((candidate) => candidate.objectId === objectId && candidate.tenantId === bot.tenantId);
  if (!user?.inTeams) return refused(404, 'NotFound', `User Id '${objectId}' not found.`);
  if (request.route === 'chat') {
    const app = own.find(({ id }) => installationOf(user, id) === decodeURIComponent(installationId ?? ''));
    return app ? { status: 200, body: { id: chatOf(state, bot, user) } } : refused(404, 'NotFound', 'No such installation.');
  }
  if (request.route === 'installed') {
    const [, field, value] = /^teamsApp\/(id|externalId) eq '([^']*)'$/.exec(filter) ?? [];
    // With the permission to install the own app, no other one is listed.
    const app = own.find((one) => one[field as 'id' | 'externalId'] === value && one.webApplicationId === bot.applicationId);
    const is = user.installed && app;
    return { status: 200, body: { value: is ? [{ id: installationOf(user, app.id), teamsApp: { id: app.id } }] : [] } };
  }
  const bound = String(JSON.parse(request.body)['teamsApp@odata.bind']);
  const app = own.find(({ id }) => bound.endsWith(`/v1.0/appCatalogs/teamsApps/${id}`));
  if (app?.publishingState !== 'published') return refused(404, 'NotFound', 'The requested app was not found in the catalog.');
  if (app.webApplicationId !== bot.applicationId)
    return refused(403, 'Forbidden', `AAD App Id '${bot.applicationId}' is not authorized to perform this operation on the app.`);
  if (user.installed) return refused(409, 'Conflict', 'The app is already installed.');
  user.installed = true;
  return { status: 201 };
}

/** "List group transitive members" of Graph 1.0, its users alone, a page at a time. */
export function answerMembers(state: MicrosoftState, request: FakeRequest, serverUrl: string): FakeAnswer {
  const given = tokenOf(state, request);
  if (!given) return refused(401, 'InvalidAuthenticationToken', 'Access token is empty or not valid.');
  if (!given.permissions.includes('GroupMember.Read.All'))
    return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
  const url = new URL(request.path, 'http://graph');
  if (request.headers.consistencylevel !== 'eventual' || url.searchParams.get('$count') !== 'true')
    return refused(400, 'Request_UnsupportedQuery', 'The request uses an OData cast without ConsistencyLevel and $count.');
  const id = decodeURIComponent(url.pathname.split('/')[3] ?? '');
  const members = state.groups.get(id);
  if (!members) return refused(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
  const at = Number(url.searchParams.get('$skiptoken') ?? 0);
  const size = Math.min(Number(url.searchParams.get('$top') ?? 100), state.membersPerPage);
  const selected = url.searchParams.get('$select')?.split(',') ?? ['id'];
  const value = members
    .slice(at, at + size)
    .map((member) => Object.fromEntries(selected.map((field) => [field, (member as unknown as Record<string, unknown>)[field] ?? null])));
  url.searchParams.set('$skiptoken', String(at + size));
  const more = at + size < members.length && { '@odata.nextLink': `${serverUrl}${url.pathname}${url.search}` };
  return { status: 200, body: { ...more, value } };
}

const installationOf = (user: FakeUser, teamsAppId: string) => Buffer.from(`${user.objectId}##${teamsAppId}`).toString('base64');

/** Graph's id of the chat, which the connector takes as well. */
function chatOf(state: MicrosoftState, bot: FakeBot, user: FakeUser): string {
  const id = `19:${user.objectId}_${bot.applicationId}@unq.gbl.spaces`;
  state.conversations.set(id, { bot, user });
  return id;
}

const missing = (needed: readonly string[], roles: readonly string[]): FakeAnswer =>
  refused(
    403,
    'Forbidden',
    `Missing role permissions on the request. API requires one of '${needed.join(', ')}'. Roles on the request '${roles.join(', ')}'.`,
  );
