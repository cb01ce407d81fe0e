import { afterAll, beforeAll } from 'vitest';
import { trimEvents } from '../../../src/domain/events/events.ts';
import { retainMessages } from '../../../src/domain/privacy/retain-messages.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createSender, type Sender } from '../../support/live.ts';

export const DAY_MS = 24 * 60 * 60_000;
/** The number that senders' SMS come from. */
export const PHONE = '+15550111';

export type Graph = Pick<Provider, 'graph'>;

/** Creates a gateway before a file's tests, and closes it after them. */
export function privacyWorld() {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway();
  });
  afterAll(() => gateway.close());

  /** Creates a provider, and who sends messages of it. */
  async function world(): Promise<{ provider: Provider; from: Sender }> {
    const provider = await gateway.provider();
    return { provider, from: await createSender(gateway, provider) };
  }

  /** @returns what the mutation has made, or its error's code */
  async function mutate({ graph }: Graph, name: string, input: object, selected: string) {
    const type = name.replace(/^./, (letter) => letter.toUpperCase());
    const { data, errors } = await graph(
      `mutation ($input: ${type}Input!) { made: ${name}(input: $input) { ... on ${type}Success { ${selected} } ... on Error { code path value } } }`,
      { input },
    );
    return data?.made ?? { code: errors?.[0]?.extensions?.code };
  }

  /** Makes messages so old, and delivered; with their events, unless these are past their retention. */
  async function age(sids: readonly string[], days: number, { withEvents = false } = {}) {
    const { prisma } = gateway.database;
    const time = new Date(Date.now() - days * DAY_MS);
    await prisma.outbox.deleteMany({ where: { messageSid: { in: [...sids] } } });
    await prisma.message.updateMany({ where: { sid: { in: [...sids] } }, data: { dateCreated: time } });
    await prisma.messageEvent.updateMany({ where: { messageSid: { in: [...sids] } }, data: { occurredAt: time } });
    if (!withEvents) await trimEvents(prisma, 30 * DAY_MS);
  }

  const bodiesOf = async ({ graph }: Graph) =>
    (await graph('{ messages(first: 100) { totalCount nodes { sid body mediaUrls from to } } }')).data.messages;
  const conversationsOf = async ({ graph }: Graph) =>
    (
      await graph(`{ conversations(first: 100) { nodes { phone messagesFromTeams messagesFromPhone messagesFailed dateCreated unansweredSince
        lastMessage { sid } } } }`)
    ).data.conversations.nodes;
  const eventsOf = async ({ graph }: Graph): Promise<string[]> =>
    (await graph('{ messageEvents(first: 100) { nodes { message { sid } } } }')).data.messageEvents.nodes.map(
      ({ message }: { message: { sid: string } }) => message.sid,
    );
  const retain = (days?: number) => retainMessages(gateway.gateway, days);

  /** What the conversations are if they are made anew from the messages. */
  async function restored(organizationSid: string) {
    const { prisma } = gateway.database;
    const read = () => prisma.conversation.findMany({ where: { organizationSid }, orderBy: { sid: 'asc' } });
    const kept = await read();
    await prisma.$executeRaw`SELECT restore_conversations(ARRAY(SELECT sid FROM conversation WHERE organization_sid = ${organizationSid}))`;
    return [kept, await read()];
  }

  return {
    get gateway() {
      return gateway;
    },
    ...{ world, mutate, age, bodiesOf, conversationsOf, eventsOf, retain, restored },
  };
}
