import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import type { Cloud } from '../../src/platforms/microsoft/clouds.ts';
import { issuerOf } from './entra.ts';
import type { FakeAnswer, FakeRequest } from './fake-server.ts';
import type { FakeBot, FakeUser, MicrosoftState } from './microsoft-state.ts';

/** One of Microsoft's clouds: its server, and the issuer of its Bot Framework. */
export interface FakeCloud {
  readonly cloud: Cloud;
  readonly url: string;
  readonly issuer: string;
}

/** Teams takes about 28 KB. */
const LONGEST_MESSAGE = 28 * 1024;

/** The clouds that share the login of another cloud. */
const SHARED: Partial<Record<Cloud, Cloud>> = { GCC: 'COMMERCIAL', DOD: 'GCC_HIGH' };
/** Whether the login of a cloud knows an application. */
const isIn = (cloud: Cloud, { cloud: own = 'COMMERCIAL' }: FakeBot) => (SHARED[own] ?? own) === cloud;

/** Client credentials (learn.microsoft.com, "OAuth 2.0 client credentials flow"); errors as "AADSTS error codes" has them. */
export async function answerLogin(
  state: MicrosoftState,
  { path, headers, body }: FakeRequest,
  { cloud, url, issuer }: FakeCloud,
): Promise<FakeAnswer> {
  const tenantName = decodeURIComponent(path.split('/')[2] ?? '');
  const tenantId = state.domains.get(tenantName) ?? tenantName;
  const form = new URLSearchParams(body);
  const applicationId = form.get('client_id');
  if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded') || form.get('grant_type') !== 'client_credentials')
    return loginRefused(400, 'unsupported_grant_type', 'AADSTS70003: The app requested an unsupported grant type.');
  const tenant = state.bots.filter((bot) => isIn(cloud, bot) && [bot.tenantId, bot.botTenant].includes(tenantId));
  if (tenant.length === 0)
    return loginRefused(400, 'invalid_request', `AADSTS90002: Tenant '${tenantName}' not found. Check the tenant ID.`);
  const bot = tenant.find((candidate) => candidate.applicationId === applicationId);
  if (!bot)
    return loginRefused(
      400,
      'unauthorized_client',
      `AADSTS700016: Application with identifier '${applicationId}' was not found in the directory '${tenantName}'.`,
    );
  const refusal = form.has('client_assertion') ? await refuseAssertion(state, bot, form, `${url}${path}`) : refuseSecret(bot, form);
  if (refusal) return loginRefused(401, 'invalid_client', refusal);
  const scope = form.get('scope') ?? '';
  if (!/^https?:\/\/[^/]+\/\.default$/.test(scope))
    return loginRefused(400, 'invalid_scope', `AADSTS70011: The provided request must include a 'scope' input parameter.`);
  const permissions = scope === `${issuer}/.default` ? [] : [...bot.permissions];
  const claims = { aud: scope, appid: applicationId, tid: tenantId, roles: permissions, jti: randomUUID() };
  const token = state.opaqueTokens ? claims.jti : `${encode({ typ: 'JWT', alg: 'RS256' })}.${encode(claims)}.canary`;
  state.tokens.set(token, { bot, cloud, tenantId, scope, permissions });
  return {
    status: 200,
    body: { token_type: 'Bearer', expires_in: state.tokenLifetime, ext_expires_in: state.tokenLifetime, access_token: token },
  };
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** Why login does not take a secret. */
function refuseSecret({ applicationId, clientSecret, secrets, secretExpired }: FakeBot, form: URLSearchParams): string | undefined {
  const given = form.get('client_secret') ?? '';
  if (secrets.includes(given)) return undefined;
  if (clientSecret !== given) return `AADSTS7000215: Invalid client secret provided for app '${applicationId}'.`;
  return secretExpired ? `AADSTS7000222: The provided client secret keys for app '${applicationId}' are expired.` : undefined;
}

/** Why login does not take an assertion (learn.microsoft.com, "application authentication certificate credentials"; RFC 7523, 3). */
async function refuseAssertion(state: MicrosoftState, bot: FakeBot, form: URLSearchParams, endpoint: string): Promise<string | undefined> {
  if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    return 'AADSTS50027: JWT token is invalid or malformed.';
  const assertion = form.get('client_assertion') ?? '';
  const thumbprint = decodeProtectedHeader(assertion)['x5t#S256'];
  const certificate = bot.certificates.map((pem) => new X509Certificate(pem)).find((own) => digestOf(own) === thumbprint);
  if (!certificate)
    return 'AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.';
  if (new Date(certificate.validTo) < new Date()) return 'AADSTS700027: The certificate used to sign the client assertion has expired.';
  const expected = { algorithms: ['PS256', 'RS256'], issuer: bot.applicationId, subject: bot.applicationId };
  const required = { requiredClaims: ['exp', 'nbf', 'iat', 'jti'], clockTolerance: 300 };
  const verified = await jwtVerify(assertion, certificate.publicKey, { ...expected, ...required, audience: endpoint }).catch(
    () => undefined,
  );
  if (!verified) return 'AADSTS50027: JWT token is invalid or malformed.';
  const { exp = 0, nbf = 0, jti = '' } = verified.payload;
  if (exp - nbf > 600) return 'AADSTS700024: Client assertion is not within its valid time range.';
  if (state.assertions.has(jti)) return 'AADSTS50027: The assertion was used before.';
  state.assertions.add(jti);
  return undefined;
}

const digestOf = ({ raw }: X509Certificate) => createHash('sha256').update(raw).digest('base64url');

/** A tenant's OpenID configuration, by its id or a domain ("OpenID Connect on the Microsoft identity platform"), of either version. */
export function answerTenant(state: MicrosoftState, { path }: FakeRequest, { cloud, url }: Pick<FakeCloud, 'cloud' | 'url'>): FakeAnswer {
  const name = decodeURIComponent(path.split('/')[2] ?? '');
  const tenantId = state.domains.get(name) ?? state.bots.find((bot) => bot.tenantId === name)?.tenantId;
  if (!tenantId) return loginRefused(400, 'invalid_tenant', `AADSTS90002: Tenant '${name}' not found. Check the tenant ID.`);
  const version = path.includes('/v2.0/') ? '/v2.0' : '';
  return {
    status: 200,
    body: { issuer: issuerOf(cloud, tenantId, version !== ''), jwks_uri: `${url}/login/${tenantId}/discovery${version}/keys` },
  };
}

/** "Get a user" and "List users" of Graph 1.0. */
export function answerGraph(state: MicrosoftState, request: FakeRequest, { cloud, issuer }: FakeCloud): FakeAnswer {
  const given = tokenOf(state, request);
  if (given?.cloud !== cloud || given.scope === `${issuer}/.default` || given.tenantId !== given.bot.tenantId)
    return refused(401, 'InvalidAuthenticationToken', 'Access token is empty or not valid.');
  if (request.route === 'application') return answerApplication(given);
  if (!given.permissions.includes('User.Read.All'))
    return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
  const url = new URL(request.path, 'http://graph');
  const members = state.users.filter(({ tenantId }) => tenantId === given.bot.tenantId);
  if (request.route === 'users') return { status: 200, body: { value: members.slice(0, 1).map(({ objectId }) => ({ id: objectId })) } };
  const [, plain, quoted] = /^\/v1\.0\/users(?:\/([^/]+)|\('(.+)'\))$/.exec(url.pathname) ?? [];
  const key = decodeURIComponent(plain ?? quoted?.replaceAll("''", "'") ?? '');
  if (plain !== undefined && key.startsWith('$')) return refused(400, 'BadRequest', `Resource not found for the segment '${key}'.`);
  const user = members.find(
    ({ objectId, userPrincipalName }) => objectId === key.toLowerCase() || userPrincipalName.toLowerCase() === key.toLowerCase(),
  );
  if (!user)
    return refused(
      404,
      'Request_ResourceNotFound',
      `Resource '${key}' does not exist or one of its queried reference-property objects are not present.`,
    );
  const all: Record<string, unknown> = {
    id: user.objectId,
    userPrincipalName: user.userPrincipalName,
    accountEnabled: user.accountEnabled,
  };
  const selected = url.searchParams.get('$select')?.split(',') ?? ['id', 'userPrincipalName'];
  return { status: 200, body: Object.fromEntries(selected.map((field) => [field, all[field]])) };
}

/** "Get application" of Graph 1.0. */
function answerApplication({ bot, permissions }: { readonly bot: FakeBot; readonly permissions: readonly string[] }): FakeAnswer {
  if (!permissions.includes('Application.Read.All'))
    return refused(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
  return { status: 200, body: { passwordCredentials: bot.secretEnds } };
}

/** Conversations and activities, with the refusals of "Status codes from bot conversational APIs". */
export function answerConnector(state: MicrosoftState, request: FakeRequest, { cloud, url, issuer }: FakeCloud): FakeAnswer {
  const given = tokenOf(state, request);
  if (given?.cloud !== cloud || given.scope !== `${issuer}/.default` || given.tenantId !== given.bot.botTenant)
    return { status: 401, body: { message: 'Authorization has been denied for this request.' } };
  const { bot } = given;
  if (!bot.registered) return refused(401, 'BotNotRegistered', 'No registration found for this bot.');
  if (state.gccTenants.has(bot.tenantId) && !request.path.startsWith('/gcc/'))
    return refused(403, 'InvalidBotApiHost', `Invalid bot api host. For GCC tenants, please call ${url}/gcc.`);
  if (request.route === 'conversations') return createConversation(state, bot, JSON.parse(request.body));
  const conversationId = decodeURIComponent(request.path.split('/')[4] ?? '');
  const conversation = state.conversations.get(conversationId);
  if (!conversation) return refused(404, 'ConversationNotFound', 'Conversation not found.');
  if (conversation.user.opens && !conversation.user.installed && request.route === 'activities')
    return refused(403, 'MessageWritesBlocked', 'Writing messages to this conversation is blocked.');
  if (conversation.bot !== bot || !conversation.user.installed)
    return refused(403, 'BotNotInConversationRoster', 'The bot is not part of the conversation roster.');
  if (request.route === 'members') return { status: 200, body: [{ id: `29:${conversation.user.objectId}` }] };
  if (conversation.user.blocked) return refused(403, 'ConversationBlockedByUser', 'User blocked the conversation with the bot.');
  if (request.body.length > LONGEST_MESSAGE) return refused(413, 'MessageSizeTooBig', 'Message size too large.');
  const { type, text, textFormat, summary, attachments } = JSON.parse(request.body);
  if (type !== 'message' || typeof text !== 'string' || text === '') return refused(400, 'BadSyntax', 'Activity is empty.');
  const id = String(1_700_000_000_000 + state.activities.length);
  const { applicationId } = bot;
  const { objectId } = conversation.user;
  state.activities.push({
    ...{ id, conversationId, applicationId, objectId, type, text, textFormat, summary, attachments },
    at: performance.now(),
    request,
  });
  return { status: 201, body: { id } };
}

interface ConversationParameters {
  readonly bot?: { readonly id: string };
  readonly isGroup?: boolean;
  readonly members?: readonly { readonly id: string }[];
  readonly tenantId?: string;
  readonly channelData?: { readonly tenant?: { readonly id: string } };
}

function createConversation(state: MicrosoftState, bot: FakeBot, parameters: ConversationParameters): FakeAnswer {
  const { members = [], tenantId } = parameters;
  const right =
    parameters.bot?.id === `28:${bot.applicationId}` &&
    parameters.isGroup === false &&
    members.length === 1 &&
    (state.domains.get(tenantId ?? '') ?? tenantId) === bot.tenantId &&
    parameters.channelData?.tenant?.id === tenantId;
  const user = state.users.find((candidate) => candidate.tenantId === bot.tenantId && candidate.objectId === members[0]?.id);
  if (!right || !user) return refused(400, 'BadSyntax', 'Incorrect conversation creation parameters');
  if (!user.installed && !user.opens) return refused(403, 'ForbiddenOperationException', "Bot is not installed in user's personal scope");
  return { status: 201, body: { id: conversationOf(state, bot.applicationId, user) } };
}

/** A bot and a user always have the same conversation. */
export function conversationOf(state: MicrosoftState, applicationId: string, user: FakeUser): string {
  const id = `a:${createHash('sha256').update(`${applicationId} ${user.tenantId} ${user.objectId}`).digest('base64url')}`;
  const bot = state.bots.find((candidate) => candidate.applicationId === applicationId && candidate.tenantId === user.tenantId);
  if (bot) state.conversations.set(id, { bot, user });
  return id;
}

export const tokenOf = (state: MicrosoftState, { headers }: FakeRequest) =>
  state.tokens.get(headers.authorization?.replace(/^Bearer /, '') ?? '');

export const refused = (status: number, code: string, message: string): FakeAnswer => ({ status, body: { error: { code, message } } });

const loginRefused = (status: number, error: string, description: string): FakeAnswer => ({
  status,
  body: {
    error,
    error_description: `${description} Trace ID: ${randomUUID()} Correlation ID: ${randomUUID()} Timestamp: 2026-11-24 16:00:00Z`,
    error_codes: [Number(/\d+/.exec(description)?.[0])],
  },
});
