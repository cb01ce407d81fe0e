import type { WebhookAttempt, WebhookEndpoint } from '../../prisma/client/client.ts';
import { encodeEventCursor } from '../../src/domain/events/event-cursor.ts';
import { listAttempts } from '../../src/domain/webhooks/attempts.ts';
import {
  type DisabledReason,
  disabledReasons,
  type EndpointStatus,
  endpointOf,
  endpointStatuses,
  findWebhookEndpoint,
  listWebhookEndpoints,
} from '../../src/domain/webhooks/endpoints.ts';
import { webhookEventTypes } from '../../src/domain/webhooks/event-types.ts';
import { ProvisionedInterface } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { OrderDirectionEnum, offset } from '../lists.ts';

const EVENTS: Readonly<Record<(typeof webhookEventTypes)[number], string>> = {
  'message.queued': 'A message was accepted.',
  'message.sending': 'The Restcomm platform has accepted an SMS.',
  'message.sent': 'An SMS was handed to its carrier.',
  'message.delivered': 'A message has arrived.',
  'message.undelivered': 'An SMS was not delivered.',
  'message.failed': 'A message could not be sent.',
  'message.read': 'A message was read.',
  'message.received': 'A message was received.',
};
const STATUSES: Readonly<Record<EndpointStatus, string>> = {
  ACTIVE: 'It receives events; failed requests are retried.',
  DISABLED: 'It receives nothing until `updateWebhookEndpoint` enables it again. It then continues where it ended.',
};
const REASONS: Readonly<Record<DisabledReason, string>> = {
  REQUESTED: 'By `updateWebhookEndpoint`.',
  GONE: 'It responded with the HTTP status 410.',
  FAILING: 'It made no progress for three days: its `cursor` did not move.',
};

export const WebhookEventTypeEnum = builder.enumType('WebhookEventType', {
  description: 'The events that a webhook endpoint can choose. In requests, they are written as `message.delivered`.',
  values: Object.fromEntries(
    webhookEventTypes.map((value) => [value.replace('.', '_').toUpperCase(), { value, description: EVENTS[value] }]),
  ),
});

const WebhookEndpointStatusEnum = builder.enumType('WebhookEndpointStatus', {
  description: 'Whether a webhook endpoint receives events.',
  values: Object.fromEntries(endpointStatuses.map((value) => [value, { value, description: STATUSES[value] }])),
});

const WebhookDisabledReasonEnum = builder.enumType('WebhookDisabledReason', {
  description: 'Why a webhook endpoint is disabled. The audit log has each time, too.',
  values: Object.fromEntries(disabledReasons.map((value) => [value, { value, description: REASONS[value] }])),
});

const WebhookAttemptRef = builder.objectRef<WebhookAttempt>('WebhookAttempt').implement({
  description: 'A request to a webhook endpoint. The latest 100 are kept, for a week.',
  fields: (t) => ({
    webhookId: t.exposeID('webhookId', { description: 'The header `webhook-id`, which all attempts of an event have in common.' }),
    eventType: t.exposeString('eventType', {
      description: 'The `type` of the event: `message.delivered` or the like, `webhook.gap` or `webhook.test`.',
    }),
    messageSid: t.exposeID('messageSid', {
      nullable: true,
      description: 'The sid of the message, which may be deleted. `null` for a gap or a test.',
    }),
    status: t.exposeInt('status', { nullable: true, description: 'The HTTP status of the response. `null` if there was none.' }),
    error: t.exposeString('error', { nullable: true, description: 'Why there was no response. `null` if there was one.' }),
    durationMs: t.exposeInt('durationMs', { description: 'How long the request took, in milliseconds.' }),
    dateCreated: t.expose('dateCreated', {
      type: 'DateTime',
      description: 'The time of the attempt, to the second or so: a few are stored together.',
    }),
  }),
});

export const WebhookEndpointRef = builder.prismaNode('WebhookEndpoint', {
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => endpointOf(caller, sid),
  nullable: true,
  description: 'A URL to which message events are posted, as Standard Webhooks says (docs/webhooks.md).',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `WH` followed by 32 hex digits.' }),
    url: t.exposeString('url', { description: 'Where events are posted.' }),
    eventTypes: t.field({
      type: [WebhookEventTypeEnum],
      description: 'The events that it receives. Empty if it receives all, also those that later versions add.',
      resolve: ({ eventTypes }) => eventTypes as (typeof webhookEventTypes)[number][],
    }),
    withBody: t.exposeBoolean('withBody', { description: 'Whether events have the texts and media of the messages.' }),
    enterpriseSid: t.exposeID('enterpriseSid', {
      nullable: true,
      description: 'The sid of the only enterprise whose events it receives. `null` if it receives those of the whole organization.',
    }),
    enterprise: t.field({
      type: EnterpriseRef,
      nullable: true,
      description: 'The enterprise in `enterpriseSid`.',
      resolve: ({ enterpriseSid }, _args, { loaders }) => (enterpriseSid ? loaders.enterprise.load(enterpriseSid) : null),
    }),
    status: t.field({
      type: WebhookEndpointStatusEnum,
      description: 'Whether it receives events.',
      resolve: ({ status }) => status as EndpointStatus,
    }),
    disabledReason: t.field({
      type: WebhookDisabledReasonEnum,
      nullable: true,
      description: 'Why it is disabled. `null` while it is not.',
      resolve: ({ disabledReason }) => disabledReason as DisabledReason | null,
    }),
    dateDisabled: t.expose('dateDisabled', {
      type: 'DateTime',
      nullable: true,
      description: 'The time when it was disabled. `null` while it is not.',
    }),
    failures: t.exposeInt('failures', { description: 'How many attempts have failed since it last made progress.' }),
    failingSince: t.expose('failingSince', {
      type: 'DateTime',
      nullable: true,
      description:
        'The time of the first failure since it last made progress, moved forward by the time in which nothing was sent to it. Three days after it, the endpoint is disabled. `null` if there is none.',
    }),
    dateNextAttempt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The time of the next attempt after a failure. `null` without a failure, and while it is disabled.',
      resolve: ({ failures, status, due }) => (failures > 0 && status === 'ACTIVE' ? due : null),
    }),
    dateFormerSecretExpires: t.expose('formerSecretExpires', {
      type: 'DateTime',
      nullable: true,
      description: 'The time until which the secret of before the last rotation still signs. `null` if there was none.',
    }),
    cursor: t.string({
      description: 'Its place in the event log: it receives the events after this cursor, which `replayWebhookEndpoint` moves.',
      resolve: async ({ organizationSid, position }, _args, { loaders }) =>
        encodeEventCursor((await loaders.logHead.load(organizationSid)).logId, position),
    }),
    eventsBehind: t.int({
      nullable: true,
      description:
        'How many events of the log come after `cursor`, of any type and enterprise. At most 2,147,483,647. `null` for an endpoint of one enterprise, since those of others are not its owner’s business.',
      resolve: async ({ organizationSid, enterpriseSid, position }, _args, { loaders }) =>
        enterpriseSid === null ? Math.min(Number((await loaders.logHead.load(organizationSid)).seq - position), 2 ** 31 - 1) : null,
    }),
    attempts: t.field({
      type: [WebhookAttemptRef],
      description: 'The latest requests, the newest first.',
      args: { first: t.arg.int({ description: 'Returns at most this many: 0 to 100. Defaults to 20.' }) },
      resolve: (endpoint, { first }, { gateway }) => listAttempts(gateway, endpoint, first ?? 20),
    }),
  }),
});

export const WebhookEndpointEdge = builder.edgeObject({
  type: WebhookEndpointRef,
  name: 'WebhookEndpointEdge',
  description: 'A webhook endpoint and its cursor.',
});

const WebhookEndpointConnection = builder.connectionObject(
  { type: WebhookEndpointRef, name: 'WebhookEndpointConnection', description: 'A page of webhook endpoints.' },
  WebhookEndpointEdge,
);

const WebhookEndpointOrderInput = builder.inputType('WebhookEndpointOrder', {
  description: 'A sort order of webhook endpoints. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('WebhookEndpointOrderField', {
        description: 'The fields by which webhook endpoints can be sorted.',
        values: { DATE_CREATED: { description: 'The time when the endpoint was created.' } } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.queryFields((t) => ({
  webhookEndpoint: t.field({
    type: WebhookEndpointRef,
    nullable: true,
    description: 'Finds a webhook endpoint by its sid. Returns `null` if there is none that the credentials can see.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the webhook endpoint: `WH` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }): Promise<WebhookEndpoint | null> => findWebhookEndpoint(gateway, caller, sid),
  }),
  webhookEndpoints: t.connection(
    {
      type: WebhookEndpointRef,
      nullable: true,
      description:
        'The webhook endpoints of your organization; of credentials that are restricted to an enterprise, those of the enterprise.',
      args: {
        orderBy: t.arg({ type: WebhookEndpointOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, { orderBy, ...page }, { gateway, caller }) => listWebhookEndpoints(gateway, caller, orderBy ?? undefined, page),
    },
    WebhookEndpointConnection,
  ),
}));
