import { expect } from 'vitest';
import { acceptMessage, type NewMessage } from '../../src/domain/messages/message-log.ts';
import { advanceStatus, type StatusReport } from '../../src/domain/messages/status-reports.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { fold } from '../../src/domain/values/text.ts';
import type { WebSockets } from '../../src/graph/streams/websocket.ts';
import { listen } from '../../src/server/server.ts';
import { done, fresh, newMapping } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway, type TestGatewayOptions } from './gateway.ts';

/** A gateway on a port of its own, with WebSockets. */
export interface LiveGateway extends TestGateway {
  /** http://host:port */
  readonly url: string;
  readonly sockets: WebSockets;
  /** Ends as on SIGTERM, the database but. */
  readonly drain: () => Promise<void>;
}

export async function createLiveGateway(options: TestGatewayOptions = {}): Promise<LiveGateway> {
  const gateway = await createTestGateway(options);
  const { fetch, direct, socketPath } = gateway.app;
  const listener = await listen(fetch, { host: '127.0.0.1', port: 0, direct, socketPath });
  const sockets = gateway.app.attach(listener.server);
  const drain = async () => {
    sockets.goAway();
    gateway.app.drain();
    await listener.drain(2000);
    await sockets.dispose();
  };
  let drained: Promise<void> | undefined;
  return {
    ...gateway,
    url: listener.url,
    sockets,
    drain: () => {
      drained ??= drain();
      return drained;
    },
    close: async () => {
      drained ??= drain();
      await drained;
      await gateway.close();
    },
  };
}

/** A mapping of a provider, and messages of it. */
export interface Sender {
  readonly provider: Provider;
  readonly enterpriseSid: string;
  readonly mappingSid: string;
  /** Accepts a message. @returns its sid */
  send(change?: Partial<NewMessage>): Promise<string>;
  /** Reports a status, which must advance it. */
  advance(sid: string, report: StatusReport): Promise<void>;
}

export async function createSender(gateway: TestGateway, provider: Provider): Promise<Sender> {
  const { organizationSid, accountSid } = provider;
  const name = fresh.name();
  // Written as it is: the graph would hash its admin's password for a second.
  const enterprise = await gateway.database.prisma.enterprise.create({
    data: { sid: newSid('EN'), organizationSid, accountSid, name, nameFolded: fold(name) },
  });
  const mapping = await done(provider, 'createMapping', newMapping(enterprise.sid));
  const { prisma } = gateway.database;
  return {
    provider,
    enterpriseSid: enterprise.sid,
    mappingSid: mapping.sid,
    send: async (change = {}) => {
      const stored = await acceptMessage(gateway.database.sql, {
        organizationSid,
        accountSid,
        enterpriseSid: enterprise.sid,
        mappingSid: mapping.sid,
        direction: 'INBOUND',
        from: mapping.microsoftAddress,
        to: '+15550100',
        body: 'Hello',
        lane: `test ${mapping.sid}`,
        ...change,
      });
      gateway.live.wake(organizationSid);
      return stored?.sid ?? '';
    },
    advance: async (sid, report) => {
      expect(await advanceStatus(prisma, sid, report)).toBe('advanced');
      gateway.live.wake(organizationSid);
    },
  };
}

/** The log of a provider as it is committed: message and status, in order. */
export async function committed(
  gateway: Pick<TestGateway, 'database'>,
  { organizationSid }: Pick<Provider, 'organizationSid'>,
): Promise<string[]> {
  const events = await gateway.database.prisma.messageEvent.findMany({ where: { organizationSid }, orderBy: { seq: 'asc' } });
  return events.map(({ messageSid, status }) => `${messageSid} ${status}`);
}
