import type { WebhookEndpoint } from '../../prisma/client/client.ts';
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  type EndpointWithSecret,
  endpointEdge,
  MAX_OVERLAP,
  rotateWebhookEndpointSecret,
  updateWebhookEndpoint,
} from '../../src/domain/webhooks/endpoints.ts';
import { replayWebhookEndpoint } from '../../src/domain/webhooks/replay.ts';
import { isAccepted } from '../../src/domain/webhooks/send-signed.ts';
import { type TestOutcome, testWebhookEndpoint } from '../../src/domain/webhooks/test-endpoint.ts';
import { builder } from '../builder.ts';
import { forbidUnlessOptedIn } from '../bulk/export.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { WebhookEndpointEdge, WebhookEndpointRef, WebhookEventTypeEnum } from './webhook-endpoint.ts';

/** An endpoint goes on receiving when the credentials that created it end, so an access token from a browser must not create or redirect one. */
const authScopes = { ownCredentials: true } as const;
const FEATURE = "An enterprise's admin needs the organization's feature `ADMIN_EXPORT`.";
const NEEDS = `${FEATURE} Not available to access tokens.`;

const URL_DESCRIPTION =
  'An `https:` URL of at most 2048 characters, without credentials. Its host must have a public address, unless the operator permits it.';

const sid = (t: Parameters<typeof idempotencyKey>[0]) => ({
  sid: t.id({ required: true, description: 'The sid of the webhook endpoint: `WH` followed by 32 hex digits.' }),
});

const CreateWebhookEndpointInput = builder.inputType('CreateWebhookEndpointInput', {
  description: 'A webhook endpoint to create. It receives the events from then on.',
  fields: (t) => ({
    url: t.string({ required: true, description: URL_DESCRIPTION }),
    eventTypes: t.field({
      type: [WebhookEventTypeEnum],
      description: 'The events that it receives. By default, and with an empty list, all.',
    }),
    enterpriseSid: t.id({
      description: 'The sid of the only enterprise whose events it receives. By default, those of all that the credentials reach.',
    }),
    withBody: t.boolean({ description: 'Whether events have the texts and media of the messages. Defaults to true.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateWebhookEndpointInput = builder.inputType('UpdateWebhookEndpointInput', {
  description: 'Changes to a webhook endpoint. Fields that are left out keep their value.',
  fields: (t) => ({
    ...sid(t),
    url: t.string({ description: URL_DESCRIPTION }),
    eventTypes: t.field({ type: [WebhookEventTypeEnum], description: 'The events that it receives. An empty list: all.' }),
    withBody: t.boolean({ description: 'Whether events have the texts and media of the messages.' }),
    enabled: t.boolean({ description: 'Whether it receives events. Once it is enabled again, it continues where it ended.' }),
    ...idempotencyKey(t),
  }),
});

const RotateWebhookEndpointSecretInput = builder.inputType('RotateWebhookEndpointSecretInput', {
  description: 'A webhook endpoint that gets a new secret.',
  fields: (t) => ({
    ...sid(t),
    overlap: t.int({
      description: `For how many seconds requests are also signed with the former secret: 0 to ${MAX_OVERLAP}. Defaults to a day. The one before it ends at once.`,
    }),
    ...idempotencyKey(t),
  }),
});

const DeleteWebhookEndpointInput = builder.inputType('DeleteWebhookEndpointInput', {
  description: 'A webhook endpoint to delete.',
  fields: (t) => ({ ...sid(t), ...idempotencyKey(t) }),
});

const ReplayWebhookEndpointInput = builder.inputType('ReplayWebhookEndpointInput', {
  description: 'A place in the event log from which a webhook endpoint continues: either `after` or `since`.',
  fields: (t) => ({
    ...sid(t),
    after: t.string({
      description: 'A cursor of the event log, e.g. of an event that was received. It may also lie ahead, to skip events.',
    }),
    since: t.field({
      type: 'DateTime',
      description: 'The events of this time and later. Before the oldest event that is kept, it begins with that one.',
    }),
    ...idempotencyKey(t),
  }),
});

const TestWebhookEndpointInput = builder.inputType('TestWebhookEndpointInput', {
  description: 'A webhook endpoint to test.',
  fields: (t) => ({ ...sid(t), ...idempotencyKey(t) }),
});

type SecretFields = PothosSchemaTypes.ObjectFieldBuilder<(typeof builder)['$inferSchemaTypes'], EndpointWithSecret>;

const withSecret = (t: SecretFields) => ({
  webhookEndpoint: t.expose('endpoint', { type: WebhookEndpointRef, description: 'The webhook endpoint.' }),
  secret: t.exposeString('secret', {
    nullable: true,
    description:
      'The secret for verifying signatures: `whsec_` and 32 random bytes in base64. It is returned once: `null` in a repeated request with the same idempotency key.',
  }),
});

const CreateWebhookEndpointSuccessRef = builder.objectRef<EndpointWithSecret>('CreateWebhookEndpointSuccess').implement({
  description: 'The success of `createWebhookEndpoint`. No other field returns the secret.',
  fields: (t) => ({
    ...withSecret(t),
    webhookEndpointEdge: t.field({
      type: WebhookEndpointEdge,
      description: 'The webhook endpoint with its cursor in the default order of lists, for caches that add it to one.',
      resolve: ({ endpoint }) => endpointEdge(endpoint),
    }),
  }),
});

const RotateWebhookEndpointSecretSuccessRef = builder.objectRef<EndpointWithSecret>('RotateWebhookEndpointSecretSuccess').implement({
  description: 'The success of `rotateWebhookEndpointSecret`. No other field returns the secret.',
  fields: withSecret,
});

const UpdateWebhookEndpointSuccessRef = builder.objectRef<{ endpoint: WebhookEndpoint }>('UpdateWebhookEndpointSuccess').implement({
  description: 'The success of `updateWebhookEndpoint`.',
  fields: (t) => ({ webhookEndpoint: t.expose('endpoint', { type: WebhookEndpointRef, description: 'The changed webhook endpoint.' }) }),
});

const ReplayWebhookEndpointSuccessRef = builder.objectRef<{ endpoint: WebhookEndpoint }>('ReplayWebhookEndpointSuccess').implement({
  description: 'The success of `replayWebhookEndpoint`.',
  fields: (t) => ({ webhookEndpoint: t.expose('endpoint', { type: WebhookEndpointRef, description: 'The webhook endpoint.' }) }),
});

const DeleteWebhookEndpointSuccessRef = builder.objectRef<{ endpoint: WebhookEndpoint }>('DeleteWebhookEndpointSuccess').implement({
  description: 'The success of `deleteWebhookEndpoint`.',
  fields: (t) => ({
    deletedId: t.globalID({
      description: 'The global id that the webhook endpoint had, for caches that remove it.',
      resolve: ({ endpoint }) => ({ type: WebhookEndpointRef, id: endpoint.sid }),
    }),
    webhookEndpoint: t.expose('endpoint', { type: WebhookEndpointRef, description: 'The webhook endpoint as it was.' }),
  }),
});

const TestWebhookEndpointSuccessRef = builder.objectRef<TestOutcome>('TestWebhookEndpointSuccess').implement({
  description: 'The outcome of `testWebhookEndpoint`: the mutation succeeds even if the endpoint does not accept the event.',
  fields: (t) => ({
    accepted: t.boolean({ description: 'Whether the endpoint responded with an HTTP status from 200 to 299.', resolve: isAccepted }),
    webhookId: t.exposeID('webhookId', { description: 'The header `webhook-id` of the request.' }),
    status: t.exposeInt('status', { nullable: true, description: 'The HTTP status of the response. `null` if there was none.' }),
    error: t.exposeString('error', { nullable: true, description: 'Why there was no response. `null` if there was one.' }),
    durationMs: t.exposeInt('durationMs', { description: 'How long the request took, in milliseconds.' }),
  }),
});

builder.mutationFields((t) => ({
  createWebhookEndpoint: t.field({
    type: CreateWebhookEndpointSuccessRef,
    nullable: true,
    description: `Creates a webhook endpoint, to which message events are posted, signed with a secret. ${NEEDS}`,
    authScopes,
    errors: resultUnion('CreateWebhookEndpointResult', 'new webhook endpoint', ['ENTERPRISE_NOT_FOUND', 'TOO_MANY_WEBHOOK_ENDPOINTS']),
    args: { input: t.arg({ type: CreateWebhookEndpointInput, required: true, description: 'The webhook endpoint to create.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createWebhookEndpoint(gateway, caller, input).catch(forbidUnlessOptedIn),
  }),
  updateWebhookEndpoint: t.field({
    type: UpdateWebhookEndpointSuccessRef,
    nullable: true,
    description: `Changes a webhook endpoint, or disables or enables it. Another URL, or enabling it, begins the three days of retries anew. ${NEEDS}`,
    authScopes,
    errors: resultUnion('UpdateWebhookEndpointResult', 'changed webhook endpoint', ['WEBHOOK_ENDPOINT_NOT_FOUND']),
    args: { input: t.arg({ type: UpdateWebhookEndpointInput, required: true, description: 'The new values.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      endpoint: await updateWebhookEndpoint(gateway, caller, input).catch(forbidUnlessOptedIn),
    }),
  }),
  rotateWebhookEndpointSecret: t.field({
    type: RotateWebhookEndpointSecretSuccessRef,
    nullable: true,
    description: `Gives a webhook endpoint a new secret. For a while, requests have a signature with each of the two. ${NEEDS}`,
    authScopes,
    errors: resultUnion('RotateWebhookEndpointSecretResult', 'new secret', ['WEBHOOK_ENDPOINT_NOT_FOUND']),
    args: {
      input: t.arg({
        type: RotateWebhookEndpointSecretInput,
        required: true,
        description: 'Which endpoint, and how long both secrets sign.',
      }),
    },
    resolve: (_root, { input }, { gateway, caller }) => rotateWebhookEndpointSecret(gateway, caller, input).catch(forbidUnlessOptedIn),
  }),
  deleteWebhookEndpoint: t.field({
    type: DeleteWebhookEndpointSuccessRef,
    nullable: true,
    description: 'Deletes a webhook endpoint and returns it as it was. A request that is under way may still arrive.',
    errors: resultUnion('DeleteWebhookEndpointResult', 'deleted webhook endpoint', ['WEBHOOK_ENDPOINT_NOT_FOUND']),
    args: { input: t.arg({ type: DeleteWebhookEndpointInput, required: true, description: 'The webhook endpoint to delete.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ endpoint: await deleteWebhookEndpoint(gateway, caller, input) }),
  }),
  replayWebhookEndpoint: t.field({
    type: ReplayWebhookEndpointSuccessRef,
    nullable: true,
    description: `Moves a webhook endpoint to another place in the event log, from which it continues, with the same \`webhook-id\` for events that it receives again. Does not enable it. ${FEATURE}`,
    errors: resultUnion('ReplayWebhookEndpointResult', 'webhook endpoint', [
      'WEBHOOK_ENDPOINT_NOT_FOUND',
      'CURSOR_INVALID',
      'CURSOR_EXPIRED',
    ]),
    args: { input: t.arg({ type: ReplayWebhookEndpointInput, required: true, description: 'Which endpoint, and from where.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      endpoint: await replayWebhookEndpoint(gateway, caller, input).catch(forbidUnlessOptedIn),
    }),
  }),
  testWebhookEndpoint: t.field({
    type: TestWebhookEndpointSuccessRef,
    nullable: true,
    description:
      'Sends a webhook endpoint an event of the type `webhook.test`, even if it is disabled, and waits up to 15 seconds for the response.',
    errors: resultUnion('TestWebhookEndpointResult', 'outcome', ['WEBHOOK_ENDPOINT_NOT_FOUND']),
    args: { input: t.arg({ type: TestWebhookEndpointInput, required: true, description: 'The webhook endpoint to test.' }) },
    resolve: (_root, { input }, { gateway, caller }) => testWebhookEndpoint(gateway, caller, input),
  }),
}));
