import { Webhook } from 'standardwebhooks';
import { type FakeServer, startFakeServer } from './fake-server.ts';

/** An event as the receiver got it: its signature was verified. */
export interface ReceivedEvent {
  readonly id: string;
  readonly path: string;
  readonly type: string;
  readonly timestamp: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare it as a whole
  readonly data: any;
}

export interface WebhookReceiver extends Pick<FakeServer<'hook'>, 'url' | 'requests' | 'fault' | 'heal' | 'hold' | 'until' | 'close'> {
  /** What it accepted, in order, by the path of the endpoint. */
  received(path: string): ReceivedEvent[];
  /** Sets the secret by which requests to a path are verified. Others are answered 401. */
  trust(path: string, secret: string): void;
}

/** A consumer of webhooks on loopback. It verifies requests as the specification's own library does. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const secrets = new Map<string, string>();
  const events: ReceivedEvent[] = [];
  const server = await startFakeServer<'hook'>(
    (method) => (method === 'POST' ? 'hook' : undefined),
    ({ path, headers, body }) => {
      const secret = secrets.get(path);
      if (!secret) return { status: 401 };
      try {
        const payload = new Webhook(secret).verify(body, headers as Record<string, string>) as Omit<ReceivedEvent, 'id' | 'path'>;
        events.push({ id: String(headers['webhook-id']), path, ...payload });
        return { status: 204 };
      } catch {
        return { status: 401 };
      }
    },
  );
  return {
    ...server,
    received: (path) => events.filter((event) => event.path === path),
    trust: (path, secret) => void secrets.set(path, secret),
  };
}
