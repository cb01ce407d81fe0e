import { Webhook } from 'standardwebhooks';
import type { WebhookEndpoint } from '../../../prisma/client/client.ts';
import type { WebhookOutcome } from '../../platforms/webhooks/client.ts';
import type { Gateway } from '../gateway.ts';
import type { WebhookPayload } from './event-types.ts';

/** The secrets with which requests to an endpoint are signed: the current one, and the former one until it expires. */
function secretsOf(
  { secrets }: Pick<Gateway, 'secrets'>,
  { sid, secret, formerSecret, formerSecretExpires }: WebhookEndpoint,
  now = new Date(),
): string[] {
  const former = formerSecret && formerSecretExpires && formerSecretExpires > now ? [formerSecret] : [];
  return [secret, ...former].map((sealed) => secrets.open(sealed, sid));
}

/**
 * Posts an event as Standard Webhooks says: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
 * Each secret adds a signature. Never rejects for what the endpoint does.
 * @param webhookId the same at each attempt, so that the endpoint can recognize what it has accepted already
 * @throws SealError if the gateway does not have the key of the secrets
 */
export async function sendSigned(
  gateway: Pick<Gateway, 'secrets' | 'webhooks'>,
  endpoint: WebhookEndpoint,
  webhookId: string,
  payload: WebhookPayload,
): Promise<WebhookOutcome> {
  const body = JSON.stringify(payload);
  const now = new Date();
  const signatures = secretsOf(gateway, endpoint, now).map((secret) => new Webhook(secret).sign(webhookId, now, body));
  return gateway.webhooks.post(
    endpoint.url,
    {
      'webhook-id': webhookId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
  );
}

/** Whether the endpoint has accepted what was sent. */
export const isAccepted = ({ status }: Pick<WebhookOutcome, 'status'>): boolean => status !== null && status >= 200 && status < 300;
