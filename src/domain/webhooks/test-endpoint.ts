import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { WebhookOutcome } from '../../platforms/webhooks/client.ts';
import type { Caller } from '../caller.ts';
import { webhookEndpointNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, lookup, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { recordAttempts } from './attempts.ts';
import { findWebhookEndpoint } from './endpoints.ts';
import { testPayload } from './event-types.ts';
import { sendSigned } from './send-signed.ts';

const input = z.object({ sid: lookup() });
type TestWebhookEndpointInput = z.input<typeof input> & Keyed;

/** What became of a test, and the `webhook-id` that it had. */
export interface TestOutcome extends Pick<WebhookOutcome, 'status' | 'error' | 'durationMs'> {
  readonly sid: string;
  readonly webhookId: string;
}

/**
 * Sends an event of the type `webhook.test` to an endpoint, even to a disabled one, and waits for the response.
 * @throws InvalidInputError; NotFoundError WEBHOOK_ENDPOINT_NOT_FOUND
 */
export function testWebhookEndpoint(gateway: Gateway, caller: Caller, given: TestWebhookEndpointInput): Promise<TestOutcome> {
  return idempotently(gateway, caller, 'testWebhookEndpoint', given, async (remember) => {
    const { sid = '' } = parseInput(input, given);
    const endpoint = await findWebhookEndpoint(gateway, caller, sid);
    if (!endpoint) throw webhookEndpointNotFound(sid);
    const webhookId = `${sid}_${randomUUID()}`;
    const payload = testPayload(sid);
    const { status, error, durationMs } = await sendSigned(gateway, endpoint, webhookId, payload);
    const outcome = { sid, webhookId, status, error, durationMs };
    await inTransaction(gateway.prisma, (tx) => remember(tx, outcome));
    await recordAttempts(gateway, endpoint, [{ ...outcome, eventType: payload.type, messageSid: null }]);
    return outcome;
  });
}
