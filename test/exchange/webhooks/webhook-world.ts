import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ObserveDisabled } from '../../../src/exchange/observed.ts';
import { WEBHOOK_RETRIES } from '../../../src/exchange/webhooks/save-turn.ts';
import { startWebhookSender, type WebhookSender } from '../../../src/exchange/webhooks/sender.ts';
import { createOutbound } from '../../../src/platforms/outbound.ts';
import { createWebhookClient } from '../../../src/platforms/webhooks/client.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../../fakes/webhook-receiver.ts';
import { fresh } from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createSender, type Sender } from '../../support/live.ts';

/** Retries that a test need not wait for. */
export const FAST = { ...WEBHOOK_RETRIES, firstPauseMs: 20, maxPauseMs: 50 };

type Graph = Pick<Provider, 'graph'>;
const FIELDS = 'sid status disabledReason failures cursor eventsBehind attempts(first: 5) { webhookId eventType messageSid status error }';

/**
 * Creates a gateway and a receiver of its webhooks before a file's tests. After each, all senders stop, and the receiver has no faults.
 * @param timeoutMs how long a receiver may take for an answer
 */
export function webhookWorld({ timeoutMs = 2000 } = {}) {
  let receiver: WebhookReceiver;
  let gateway: TestGateway;
  let senders: WebhookSender[] = [];
  const others: WebhookReceiver[] = [];

  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    // As WEBHOOK_HOSTS permits hosts: only the receivers'.
    const isPermitted = (url: URL) => [receiver, ...others].some(({ url: permitted }) => url.origin === permitted);
    const webhooks = createWebhookClient({ fetch: createOutbound({ isConfigured: isPermitted }), isPermitted, timeoutMs });
    gateway = await createTestGateway({ platforms: { webhooks } });
  });
  afterEach(async () => {
    receiver.heal();
    await stop();
  });
  afterAll(async () => {
    await gateway.close();
    await Promise.all([receiver, ...others].map((one) => one.close()));
  });

  /** Starts a receiver on another host. */
  async function startOther(): Promise<WebhookReceiver> {
    const other = await startWebhookReceiver();
    others.push(other);
    return other;
  }

  /** Starts a sender, as an instance has one. */
  function start(retries = FAST, observeDisabled?: ObserveDisabled) {
    senders.push(startWebhookSender(gateway.gateway, { pollMs: 50, retries, observeDisabled }));
  }

  async function stop() {
    await Promise.all(senders.map((sender) => sender.stop()));
    senders = [];
  }

  /** @returns what the mutation has made, or its error's code */
  async function mutate({ graph }: Graph, name: string, input: object, selected = `webhookEndpoint { ${FIELDS} }`) {
    const type = name.replace(/^./, (letter) => letter.toUpperCase());
    const { data, errors } = await graph(
      `mutation ($input: ${type}Input!) { made: ${name}(input: $input) { ... on ${type}Success { ${selected} } ... on Error { code path } } }`,
      { input },
    );
    return data?.made ?? { code: errors?.[0]?.extensions?.code, feature: errors?.[0]?.extensions?.feature };
  }

  /** Creates an endpoint at a path of the receiver, which then checks its signatures. */
  async function register(provider: Graph, change: object = {}) {
    const path = `/${fresh.key()}`;
    const { webhookEndpoint, secret, code } = await mutate(
      provider,
      'createWebhookEndpoint',
      { url: `${receiver.url}${path}`, ...change },
      `secret webhookEndpoint { ${FIELDS} }`,
    );
    if (secret) receiver.trust(path, secret);
    return { path, sid: webhookEndpoint?.sid as string, cursor: webhookEndpoint?.cursor as string, secret: secret as string, code };
  }

  const shown = async ({ graph }: Graph, sid: string) =>
    (await graph(`{ webhookEndpoint(sid: "${sid}") { ${FIELDS} } }`)).data.webhookEndpoint;

  /** Creates a provider, and who sends messages of it. */
  async function world(): Promise<{ provider: Provider; from: Sender }> {
    const provider = await gateway.provider();
    return { provider, from: await createSender(gateway, provider) };
  }

  /** Waits until so many events have arrived at a path. */
  const arrived = (path: string, count: number) =>
    receiver.until(() => receiver.received(path).length >= count && receiver.received(path), 20_000);

  return {
    get gateway() {
      return gateway;
    },
    get receiver() {
      return receiver;
    },
    ...{ start, startOther, stop, mutate, register, shown, world, arrived },
  };
}
