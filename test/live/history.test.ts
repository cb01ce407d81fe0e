import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { PrismaClient } from '../../prisma/client/client.ts';
import { encodeEventCursor, positionOf } from '../../src/domain/events/event-cursor.ts';
import { acceptMessageIn } from '../../src/domain/messages/message-log.ts';
import { advanceStatus } from '../../src/domain/messages/status-reports.ts';
import { inTransaction } from '../../src/domain/transaction.ts';
import { newBot, newEnterprise, newMapping } from '../parity/faces.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from '../process/gateway-process.ts';
import { createTestPlace } from '../support/database.ts';
import { nowhere } from '../support/failure.ts';
import { eventSource, graphqlSse, graphqlWs } from '../support/transports.ts';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 15);
const SUBSCRIBERS = 20;
const provider = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };

class Rollback extends Error {}

/** A gateway process on a port of its own, which can be killed and comes again. */
class Instance {
  readonly url: string;
  readonly #env: Record<string, string | undefined>;
  process: GatewayProcess;

  constructor(url: string, databaseUrl: string | undefined) {
    this.url = url;
    this.#env = {
      PORT: new URL(url).port,
      DATABASE_URL: databaseUrl,
      SECRETS_KEY,
      BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID,
      BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN,
      LOG_LEVEL: 'info',
    };
    this.process = new GatewayProcess(this.#env);
  }

  /** Ends it and starts it again, as a supervisor does: also where its connection was killed before it had begun. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.process.end(signal);
    let listening = false;
    for (let attempts = 0; !listening && attempts < 5; attempts += 1) {
      this.process = new GatewayProcess(this.#env);
      listening = await this.process.listening().then(
        () => true,
        () => false,
      );
    }
    expect(listening).toBe(true);
  }
}

interface Entry {
  readonly seq: bigint;
  readonly what: string;
}

test.runIf(inject('postgres'))(
  `every subscriber gets the committed log, without loss, duplicates or disorder, over ${SECONDS} s of cut connections, moves between instances, lost hints and kills`,
  async () => {
    const place = await createTestPlace('migrated');
    const { databaseUrl } = place.settings;
    const pool = new pg.Pool({ connectionString: databaseUrl, application_name: 'history', max: 6 });
    // The pool listens but for the moment in which it hands a connection over, and it is killed at any.
    pool.on('connect', (client) => client.on('error', () => {}));
    // It has ended before its connections have: one of them can be told that its database is dropped, when Prisma listens no more.
    pool.on('error', () => {});
    const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
    const instances = await Promise.all([0, 1].map(async () => new Instance(await nowhere(), databaseUrl)));
    const counts = {
      committed: 0,
      rolledBack: 0,
      requests: 0,
      cuts: 0,
      refused: 0,
      listenersKilled: 0,
      connectionsKilled: 0,
      kills: 0,
      drains: 0,
      cards: 0,
      held: 0,
      waited: 0,
      retried: 0,
    };
    let writing = true;
    let disturbing = true;

    try {
      await Promise.all(instances.map((instance) => instance.process.listening()));
      const [first] = instances as [Instance, Instance];
      const graph = (url: string, query: string, input: unknown) =>
        fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables: { input } }),
          signal: AbortSignal.timeout(10_000),
        }).then((response) => response.json() as Promise<{ data: Record<string, { entity: { sid: string } }> }>);
      const create = async (entity: string, input: object) => {
        const { data } = await graph(
          first.url,
          `mutation ($input: Create${entity}Input!) { made: create${entity}(input: $input) { ... on Create${entity}Success { entity: ${entity.toLowerCase()} { sid } } } }`,
          input,
        );
        return String(data.made?.entity.sid);
      };
      const enterpriseSid = await create('Enterprise', newEnterprise());
      const mappingSid = await create('Mapping', newMapping(enterpriseSid));
      // Another one, whose messages are made to wait.
      const talkingSid = await create('Enterprise', newEnterprise());
      await create('Bot', newBot(talkingSid));
      const person = newMapping(talkingSid);
      await create('Mapping', person);
      const { organizationSid } = await prisma.account.findUniqueOrThrow({ where: { sid: ACCOUNT_SID } });

      /** Writes as an instance does whose hints are all lost. */
      async function write(name: string): Promise<void> {
        const open: string[] = [];
        while (disturbing) {
          const accepted: string[] = [];
          const change = inTransaction(prisma, async (tx) => {
            const advance = async (sid: string) => {
              for (const status of ['SENDING', 'SENT', 'DELIVERED'] as const) if (randomInt(2)) await advanceStatus(tx, sid, { status });
            };
            // Before the log's head is this transaction's: the outbox delivers that message too, and has it before it wants the head.
            const earlier = open.shift();
            if (earlier) await advance(earlier);
            for (let count = randomInt(1, 4); count > 0; count -= 1) {
              const message = {
                organizationSid,
                enterpriseSid,
                mappingSid,
                accountSid: ACCOUNT_SID,
                direction: 'INBOUND' as const,
                from: 'x',
                body: 'x',
              };
              // A lane of its own: lanes are locked before the log's head, which this transaction may have already.
              const stored = await acceptMessageIn(tx, { ...message, to: '+15550100', lane: `${name} ${randomUUID()}` });
              accepted.push(stored?.sid ?? '');
            }
            if (!earlier) await advance(accepted[0] ?? '');
            if (randomInt(4) === 0) throw new Rollback();
          });
          await change.then(
            () => {
              counts.committed += 1;
              open.push(...accepted.slice(0, 1));
            },
            (error) => {
              if (!(error instanceof Rollback)) throw error;
              counts.rolledBack += 1;
            },
          );
          await delay(randomInt(30));
        }
      }

      /** Sends through an instance, which may be gone. */
      async function request(): Promise<void> {
        const send = 'mutation ($input: SendMessageInput!) { sent: sendMessage(input: $input) { __typename } }';
        while (disturbing) {
          const { url } = instances[randomInt(2)] as Instance;
          counts.requests += 1;
          await graph(url, send, { mappingSid, to: `+1555${randomInt(1e6, 1e7)}`, body: 'x' }).catch(() => {});
          await delay(randomInt(50));
        }
      }

      /** Writes as a phone, whose SMS become cards, or as the Teams user, whose texts are held or sent. */
      async function talk(kind: 'sms' | 'teams', texts: readonly string[]): Promise<void> {
        const { externalAddress: to, microsoftAddress } = person;
        const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
        for (let count = 0; writing; count += 1) {
          const { url } = instances[randomInt(2)] as Instance;
          const text = texts[count % texts.length];
          const body = JSON.stringify(kind === 'sms' ? { from: '+4917012345602', to, body: text } : { microsoftAddress, text });
          const signal = AbortSignal.timeout(10_000);
          await fetch(`${url}/stand-in/${kind}`, { method: 'POST', headers, body, signal }).catch(() => {});
          await delay(randomInt(50));
        }
      }

      /** Makes messages wait, and takes the cause away; and has those that failed sent again. */
      async function cure(): Promise<void> {
        const update = 'mutation ($input: UpdateEnterpriseInput!) { made: updateEnterprise(input: $input) { __typename } }';
        const retry = 'mutation ($input: RetryMessagesInput!) { made: retryMessages(input: $input) { __typename } }';
        const set = (status: string) => {
          const { url } = instances[randomInt(2)] as Instance;
          return graph(url, update, { sid: talkingSid, status }).catch(() => undefined);
        };
        while (writing && (disturbing || counts.waited === 0)) {
          await set('INACTIVE');
          for (let count = 0, held = 0; writing && held === 0 && count < 20; count += 1) {
            await delay(100);
            held = await prisma.laneHold.count({ where: { organizationSid } });
            counts.waited += held;
          }
          while (writing && !(await set('ACTIVE'))?.data) await delay(100);
          const { url } = instances[randomInt(2)] as Instance;
          await graph(url, retry, { filter: { statuses: ['FAILED'] } }).catch(() => {});
          await delay(randomInt(1000, 3000));
        }
      }

      const { logId } = await prisma.eventHead.upsert({ where: { organizationSid }, create: { organizationSid, seq: 0n }, update: {} });
      const seqOf = (cursor: string) => positionOf(cursor, { logId, seq: 10n ** 9n, trimmed: 0n }) ?? -1n;
      const start = encodeEventCursor(logId, 0n);
      let end: bigint | undefined;

      async function subscribe(number: number): Promise<Entry[]> {
        const transport = [graphqlWs, graphqlSse, graphqlWs, eventSource][number % 4] ?? graphqlWs;
        const received: Entry[] = [];
        let cursor = start;
        while (end === undefined || seqOf(cursor) < end) {
          const { url } = instances[randomInt(2)] as Instance;
          const reader = transport.resume({ url, provider }, cursor);
          const cut = setTimeout(() => reader.end('cut'), writing ? randomInt(20, 2000) : 5000);
          await reader.until(({ ended, cursor: at }) => ended !== undefined || (end !== undefined && at !== undefined && seqOf(at) >= end));
          clearTimeout(cut);
          reader.close();
          received.push(...reader.events.map((event) => ({ seq: seqOf(event.cursor), what: `${event.message.sid} ${event.status}` })));
          cursor = reader.cursor ?? cursor;
          counts.cuts += 1;
          if (reader.errors.length > 0) counts.refused += 1;
          if (reader.updates.length === 0) await delay(randomInt(50, 200));
        }
        return received;
      }

      async function terminate(application: string): Promise<number> {
        const { rowCount } = await pool.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
          [application],
        );
        return rowCount ?? 0;
      }

      async function disturb(): Promise<void> {
        const [one, two] = instances as [Instance, Instance];
        const until = Date.now() + SECONDS * 1000;
        const restarts = (async () => {
          while (Date.now() + 5000 < until) {
            await delay(Math.min(SECONDS * 250, 20_000));
            await one.restart('SIGKILL');
            counts.kills += 1;
            await two.restart('SIGTERM');
            counts.drains += 1;
          }
        })();
        for (let round = 1; Date.now() < until; round += 1) {
          await delay(1000);
          counts.listenersKilled += await terminate('teams-sms-gateway hints');
          if (round % 5 === 0) counts.connectionsKilled += await terminate('teams-sms-gateway');
        }
        await restarts;
        disturbing = false;
        // Where the machine is slow, one of each takes longer.
        const where = { organizationSid };
        const cards = { ...where, direction: 'OUTBOUND', channelStatus: 'DELIVERED' } as const;
        const all = async () =>
          counts.waited > 0 && (await prisma.heldText.count({ where })) > 0 && (await prisma.message.count({ where: cards })) > 0;
        while (!(await all()) && Date.now() < until + 60_000) await delay(500);
      }

      const subscribers = Array.from({ length: SUBSCRIBERS }, (_, number) => subscribe(number));
      const writers = [write('a'), write('b'), write('c'), request(), request()];
      // The embedded carrier does not reach numbers that end in 0.
      writers.push(talk('sms', ['x']), talk('teams', ['+100 x', '+4917012345600 x', 'x']), cure());
      await Promise.race([disturb(), Promise.all(writers), Promise.all(subscribers)]);
      writing = false;
      await Promise.all(writers);
      end = (await prisma.eventHead.findUniqueOrThrow({ where: { organizationSid } })).seq;
      const received = await Promise.all(subscribers);

      const events = await prisma.messageEvent.findMany({ where: { organizationSid, seq: { lte: end } }, orderBy: { seq: 'asc' } });
      const log = events.map(({ seq, messageSid, status }): Entry => ({ seq, what: `${messageSid} ${status}` }));
      const findings = { events: log.length, deliveries: 0, lost: 0, doubled: 0, outOfOrder: 0, different: 0 };
      for (const all of received) {
        const list = all.filter(({ seq }) => seq <= (end as bigint));
        const seen = new Map(list.map(({ seq, what }) => [seq, what]));
        findings.deliveries += list.length;
        findings.lost += log.filter(({ seq }) => !seen.has(seq)).length;
        findings.doubled += list.length - seen.size;
        findings.outOfOrder += list.filter(({ seq }, index) => index > 0 && seq < (list[index - 1] as Entry).seq).length;
        findings.different += log.filter(({ seq, what }) => seen.has(seq) && seen.get(seq) !== what).length;
      }
      counts.cards = await prisma.message.count({ where: { organizationSid, direction: 'OUTBOUND', channelStatus: 'DELIVERED' } });
      counts.held = await prisma.heldText.count({ where: { organizationSid } });
      counts.retried = events.filter(({ previousStatus }) => previousStatus === 'FAILED').length;
      console.log(`history: ${JSON.stringify(findings)}\n  meanwhile: ${JSON.stringify(counts)}`);
      expect(findings).toEqual({
        events: log.length,
        deliveries: log.length * SUBSCRIBERS,
        lost: 0,
        doubled: 0,
        outOfOrder: 0,
        different: 0,
      });
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_entry, index) => BigInt(index + 1)));
      const { committed, rolledBack, kills, listenersKilled, cards, held, waited, retried } = counts;
      for (const happened of [committed, rolledBack, kills, listenersKilled, cards, held, waited, retried])
        expect(happened, JSON.stringify(counts)).toBeGreaterThan(0);
      expect(log.length).toBeGreaterThan(100);
    } finally {
      disturbing = false;
      writing = false;
      await Promise.all(instances.map((instance) => instance.process.end('SIGKILL')));
      await prisma.$disconnect();
      await pool.end();
      await place.remove();
    }
  },
  (SECONDS + 180) * 1000,
);
