import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { WebhookEndpoint } from '../../../prisma/client/client.ts';
import { mayUse } from '../access/organization.ts';
import { NotOptedInError } from '../bulk/exports.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { ConflictError, enterpriseNotFound, webhookEndpointNotFound } from '../errors.ts';
import { headOf } from '../events/events.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { changed, invalidParameter, type Keyed, lookup, mandatory, parseInput } from '../input.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import { webhookEventTypes } from './event-types.ts';

export const endpointStatuses = ['ACTIVE', 'DISABLED'] as const;
export type EndpointStatus = (typeof endpointStatuses)[number];
/** `REQUESTED` by its owner; `GONE`, the endpoint's 410; `FAILING` for three days. */
export const disabledReasons = ['REQUESTED', 'GONE', 'FAILING'] as const;
export type DisabledReason = (typeof disabledReasons)[number];

const MAX_URL_LENGTH = 2048;
/** Endpoints of an organization, and of credentials for one enterprise those of the enterprise. */
const MAX_ENDPOINTS = 100;
const MAX_ENDPOINTS_OF_ENTERPRISE = 5;
/** How long a former secret still signs, in seconds: by default, and at most. */
const OVERLAP = 24 * 60 * 60;
export const MAX_OVERLAP = 7 * OVERLAP;

/**
 * The condition, in SQL, on an endpoint `e` that pauses: who created it is not active, and must not receive anything. It goes on when they are. An account
 * that only Restcomm knows is not looked up there.
 */
export const PAUSED = `EXISTS (SELECT FROM account a WHERE a.sid = e.account_sid AND a.status <> 'ACTIVE')
  OR EXISTS (SELECT FROM enterprise_admin m WHERE m.sid = e.admin_sid AND m.status <> 'ACTIVE')`;

/** None are all. */
const eventTypes = z.array(z.enum(webhookEventTypes)).nullish();
const createInput = z.object({
  url: mandatory(MAX_URL_LENGTH),
  eventTypes,
  enterpriseSid: z.string().nullish(),
  withBody: z.boolean().nullish(),
});
const updateInput = z.object({
  sid: lookup(),
  url: changed(MAX_URL_LENGTH),
  eventTypes,
  withBody: z.boolean().nullish(),
  enabled: z.boolean().nullish(),
});
const rotateInput = z.object({
  sid: lookup(),
  overlap: z
    .number()
    .refine((seconds) => seconds >= 0 && seconds <= MAX_OVERLAP, `must be from 0 to ${MAX_OVERLAP} seconds`)
    .nullish(),
});
const deleteInput = z.object({ sid: lookup() });

type CreateWebhookEndpointInput = z.input<typeof createInput> & Keyed;
type UpdateWebhookEndpointInput = z.input<typeof updateInput> & Keyed;
type RotateWebhookEndpointSecretInput = z.input<typeof rotateInput> & Keyed;
type DeleteWebhookEndpointInput = z.input<typeof deleteInput> & Keyed;
type EndpointOrderField = 'DATE_CREATED';

/** An endpoint, and its new secret, which is returned only once: a repeated request has none. */
export interface EndpointWithSecret {
  readonly endpoint: WebhookEndpoint;
  readonly secret?: string;
}

/**
 * Registers an endpoint for the events from now on, of the whole organization or one enterprise.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND; ConflictError TOO_MANY_WEBHOOK_ENDPOINTS; NotOptedInError
 */
export async function createWebhookEndpoint(
  gateway: Gateway,
  caller: Caller,
  input: CreateWebhookEndpointInput,
): Promise<EndpointWithSecret> {
  let made: string | undefined;
  const { sid } = await idempotently(gateway, caller, 'createWebhookEndpoint', input, async (remember) => {
    const { url, eventTypes, enterpriseSid, withBody } = parseInput(createInput, input);
    await requireOptedIn(gateway, caller);
    requirePermitted(gateway, url);
    // A blank sid is not found instead of absent: a client's mistake must not widen what the endpoint receives.
    if (typeof enterpriseSid === 'string' && !(await findEnterprise(gateway, caller, enterpriseSid))) {
      throw enterpriseNotFound(enterpriseSid, ['enterpriseSid']);
    }
    const { organizationSid, accountSid, adminSid } = caller;
    const { seq } = await headOf(gateway.prisma, organizationSid);
    return inTransaction(gateway.prisma, async (tx) => {
      await requireFew(tx, caller);
      const created = { sid: newSid('WH') };
      const secret = newSecret();
      await tx.webhookEndpoint.create({
        data: {
          ...{ ...created, organizationSid, accountSid, adminSid, url, eventTypes: eventTypes ?? [] },
          ...{ withBody: withBody ?? true, position: seq },
          enterpriseSid: typeof enterpriseSid === 'string' ? normalizeSid(enterpriseSid) : caller.enterpriseSid,
          secret: gateway.secrets.seal(secret, created.sid),
        },
      });
      await remember(tx, created);
      made = secret;
      return created;
    });
  });
  return { endpoint: await requireEndpoint(gateway, caller, sid), secret: made };
}

/**
 * Changes an endpoint. Enabling it, or another URL, begins the three days of retries anew.
 * @throws InvalidInputError; NotFoundError WEBHOOK_ENDPOINT_NOT_FOUND; NotOptedInError
 */
export async function updateWebhookEndpoint(gateway: Gateway, caller: Caller, input: UpdateWebhookEndpointInput): Promise<WebhookEndpoint> {
  const { sid } = await idempotently(gateway, caller, 'updateWebhookEndpoint', input, async (remember) => {
    const { sid = '', url, eventTypes, withBody, enabled } = parseInput(updateInput, input);
    await requireOptedIn(gateway, caller);
    if (url !== undefined) requirePermitted(gateway, url);
    return inTransaction(gateway.prisma, async (tx) => {
      const before = await lockEndpoint(tx, caller, sid);
      const now = new Date();
      const isFresh = (url !== undefined && url !== before.url) || (enabled === true && before.status !== 'ACTIVE');
      const isChanged =
        isFresh ||
        (eventTypes != null && eventTypes.join() !== before.eventTypes.join()) ||
        (withBody != null && withBody !== before.withBody) ||
        (enabled === false && before.status === 'ACTIVE');
      if (!isChanged) {
        await remember(tx, { sid }, { changed: false });
        return { sid };
      }
      await tx.webhookEndpoint.update({
        where: { sid, organizationSid: caller.organizationSid },
        data: {
          ...{ url, eventTypes: eventTypes ?? undefined, withBody: withBody ?? undefined, dateUpdated: now },
          ...(enabled === true && { status: 'ACTIVE', disabledReason: null, dateDisabled: null }),
          ...(enabled === false && before.status === 'ACTIVE' && { status: 'DISABLED', disabledReason: 'REQUESTED', dateDisabled: now }),
          ...(isFresh && { failures: 0, failingSince: null, ...dueNow(before) }),
          generation: { increment: 1 },
        },
      });
      await remember(tx, { sid });
      return { sid };
    });
  });
  return requireEndpoint(gateway, caller, sid);
}

/**
 * Gives an endpoint a new secret. The former one goes on signing, too, for `overlap` seconds; one from before it ends at once.
 * @throws InvalidInputError; NotFoundError WEBHOOK_ENDPOINT_NOT_FOUND; NotOptedInError
 */
export async function rotateWebhookEndpointSecret(
  gateway: Gateway,
  caller: Caller,
  input: RotateWebhookEndpointSecretInput,
): Promise<EndpointWithSecret> {
  let made: string | undefined;
  const { sid } = await idempotently(gateway, caller, 'rotateWebhookEndpointSecret', input, async (remember) => {
    const { sid = '', overlap } = parseInput(rotateInput, input);
    await requireOptedIn(gateway, caller);
    return inTransaction(gateway.prisma, async (tx) => {
      const before = await lockEndpoint(tx, caller, sid);
      const secret = newSecret();
      const now = new Date();
      await tx.webhookEndpoint.update({
        where: { sid, organizationSid: caller.organizationSid },
        data: {
          secret: gateway.secrets.seal(secret, sid),
          formerSecret: new Uint8Array(before.secret),
          formerSecretExpires: new Date(now.getTime() + (overlap ?? OVERLAP) * 1000),
          dateUpdated: now,
          // It may be what the endpoint has waited for. A turn under way signs with the former one, and must not decide when the next is.
          ...(before.failures > 0 && { ...dueNow(before), generation: { increment: 1 } }),
        },
      });
      await remember(tx, { sid });
      made = secret;
      return { sid };
    });
  });
  return { endpoint: await requireEndpoint(gateway, caller, sid), secret: made };
}

/**
 * Deletes an endpoint and its attempts. A request that is under way may still arrive.
 * @returns the endpoint as it was, without its secrets, which are not kept for a repeated request
 * @throws InvalidInputError; NotFoundError WEBHOOK_ENDPOINT_NOT_FOUND
 */
export function deleteWebhookEndpoint(gateway: Gateway, caller: Caller, input: DeleteWebhookEndpointInput): Promise<WebhookEndpoint> {
  return idempotently(gateway, caller, 'deleteWebhookEndpoint', input, async (remember) => {
    const { sid = '' } = parseInput(deleteInput, input);
    return inTransaction(gateway.prisma, async (tx) => {
      const endpoint = { ...(await lockEndpoint(tx, caller, sid)), secret: new Uint8Array(), formerSecret: null };
      await tx.webhookEndpoint.delete({ where: { sid, organizationSid: caller.organizationSid } });
      await remember(tx, endpoint);
      return endpoint;
    });
  });
}

/** The condition on an endpoint with this sid that the caller may see. */
export const endpointOf = (caller: Caller, sid: string) => ({ sid: normalizeSid(sid), ...belonging(caller) });

/** Finds an endpoint in the caller's reach; `null` where there is none. */
export const findWebhookEndpoint = ({ prisma }: Gateway, caller: Caller, sid: string): Promise<WebhookEndpoint | null> =>
  prisma.webhookEndpoint.findUnique({ where: endpointOf(caller, sid) });

/**
 * Locks an endpoint in the caller's reach until the transaction ends.
 * @throws NotFoundError WEBHOOK_ENDPOINT_NOT_FOUND
 */
export async function lockEndpoint(tx: Transaction, caller: Caller, sid: string): Promise<WebhookEndpoint> {
  await tx.$queryRaw`SELECT 1 FROM webhook_endpoint WHERE organization_sid = ${caller.organizationSid} AND sid = ${sid} FOR NO KEY UPDATE`;
  const found = await tx.webhookEndpoint.findUnique({ where: endpointOf(caller, sid) });
  if (!found) throw webhookEndpointNotFound(sid);
  return found;
}

/**
 * Makes an endpoint due at once, or, with a turn under way, once that ends and finds another generation. A second turn at the same time would send the
 * events of a message out of order.
 */
export const dueNow = ({ holder }: Pick<WebhookEndpoint, 'holder'>) => (holder === null ? { due: new Date() } : {});

/** The endpoint that a mutation has changed. A repeated mutation may find it deleted. */
async function requireEndpoint(gateway: Gateway, caller: Caller, sid: string): Promise<WebhookEndpoint> {
  const found = await findWebhookEndpoint(gateway, caller, sid);
  if (!found) throw webhookEndpointNotFound(sid);
  return found;
}

const LIST: ListDefinition<WebhookEndpoint, EndpointOrderField> = { name: 'webhookEndpoints', columns: { DATE_CREATED: 'dateCreated' } };

/** The edge of an endpoint in the default order of its list. */
export const endpointEdge = (endpoint: WebhookEndpoint) => edgeOf(LIST, 'DATE_CREATED', endpoint);

/** Reads one page of the endpoints in the caller's reach. Sorted by creation by default. */
export function listWebhookEndpoints(
  { prisma }: Gateway,
  caller: Caller,
  order: Order<EndpointOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
): Promise<Page<WebhookEndpoint>> {
  return readPage(
    caller,
    LIST,
    {
      find: (range) => prisma.webhookEndpoint.findMany(range),
      count: async (where) => ({ count: await prisma.webhookEndpoint.count({ where }), isExact: true }),
    },
    [belonging(caller)],
    order,
    page,
  );
}

/** Makes a secret as Standard Webhooks writes them: 24 to 64 random bytes in base64. */
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** @throws NotOptedInError: an admin must not decide where events go or which are sent, nor sign any, unless the organization has opted in */
export async function requireOptedIn(gateway: Gateway, caller: Caller): Promise<void> {
  if (!(await mayUse(gateway, caller, 'admin-export'))) throw new NotOptedInError('admin-export');
}

/** @throws InvalidInputError INVALID_PARAMETER */
function requirePermitted({ webhooks }: Gateway, url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !webhooks.permits(parsed)) {
    const isHttps = parsed?.protocol === 'https:';
    throw invalidParameter(['url'], isHttps ? 'must have a host on the public internet' : 'must be an https: URL', url);
  }
  if (parsed.username || parsed.password) throw invalidParameter(['url'], 'must not contain credentials');
  if (parsed.hash) throw invalidParameter(['url'], 'must not have a fragment', url);
}

/** @throws ConflictError TOO_MANY_WEBHOOK_ENDPOINTS */
async function requireFew(tx: Transaction, caller: Caller): Promise<void> {
  // One at a time, or two might count the same ones.
  await tx.$queryRaw`SELECT 1 FROM organization WHERE sid = ${caller.organizationSid} FOR NO KEY UPDATE`;
  const max = caller.enterpriseSid ? MAX_ENDPOINTS_OF_ENTERPRISE : MAX_ENDPOINTS;
  if ((await tx.webhookEndpoint.count({ where: belonging(caller) })) < max) return;
  throw new ConflictError('TOO_MANY_WEBHOOK_ENDPOINTS', `There are ${max} webhook endpoints, which is the most`);
}
