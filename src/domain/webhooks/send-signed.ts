import { Webhook } from 'standardwebhooks';
import type { WebhookEndpoint } from '../../../prisma/client/client.ts';
import type { WebhookOutcome } from '../../platforms/webhooks/client.ts';
import type { Gateway } from '../gateway.ts';
import { SealError } from '../secrets.ts';
import type { WebhookPayload } from './event-types.ts';

/** What became of an event that was to be sent. */
export interface SendOutcome extends WebhookOutcome {
  /** Why the gateway could not sign it. Nothing was sent, and the endpoint is not at fault. */
  readonly sealError?: SealError;
}

const CANNOT_SIGN = 'The gateway does not have the key of this endpoint’s secret. Rotate the secret, or have the operator restore the key.';

/**
 * The secrets with which requests to an endpoint are signed: the current one, and the former one until it expires. A former one whose key is missing is left
 * out, so that a rotation cures that.
 * @throws SealError if the gateway does not have the key of the current one
 */
function secretsOf(
  { secrets }: Pick<Gateway, 'secrets'>,
  { sid, secret, formerSecret, formerSecretExpires }: WebhookEndpoint,
  now = new Date(),
): string[] {
  const current = secrets.open(secret, sid);
  if (!formerSecret || !formerSecretExpires || formerSecretExpires <= now) return [current];
  const former = openedUnlessSealed(() => secrets.open(formerSecret, sid));
  return former instanceof SealError ? [current] : [current, former];
}

function openedUnlessSealed<Opened>(open: () => Opened): Opened | SealError {
  try {
    return open();
  } catch (error) {
    if (error instanceof SealError) return error;
    throw error;
  }
}

/**
 * Posts an event as Standard Webhooks says: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
 * Each secret adds a signature. Never rejects for what the endpoint does, nor for a missing key.
 * @param webhookId the same at each attempt, so that the endpoint can recognize what it has accepted already
 */
export async function sendSigned(
  gateway: Pick<Gateway, 'secrets' | 'webhooks'>,
  endpoint: WebhookEndpoint,
  webhookId: string,
  payload: WebhookPayload,
): Promise<SendOutcome> {
  const body = JSON.stringify(payload);
  const now = new Date();
  const secrets = openedUnlessSealed(() => secretsOf(gateway, endpoint, now));
  if (secrets instanceof SealError) return { status: null, error: CANNOT_SIGN, durationMs: 0, sealError: secrets };
  const signatures = secrets.map((secret) => new Webhook(secret).sign(webhookId, now, body));
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
