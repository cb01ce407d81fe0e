import type { DisabledReason } from '../domain/webhooks/endpoints.ts';

/** Why the gateway disables a webhook endpoint. */
export type GivenUpReason = Exclude<DisabledReason, 'REQUESTED'>;

/** Called when the gateway, not the endpoint's owner, has disabled a webhook endpoint. Must not throw. */
export type ObserveDisabled = (reason: GivenUpReason) => void;
