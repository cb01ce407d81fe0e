import type { ClientsGateway } from './gateway.ts';

/** Two queries that are shown at the same time, and select different fields of what belongs to one object or to the caller. */
export type Pair = readonly [string, string];

/** Such queries as frontends write them, without the ids of the parts. */
export async function pairsOf(gateway: ClientsGateway): Promise<readonly Pair[]> {
  const bot = `bot(sid: "${await createBot(gateway)}")`;
  const mapping = `mapping(sid: "${gateway.mappingSid}")`;
  return [
    ['{ viewer { account { id sid } } }', '{ viewer { permissions organization { id name } } }'],
    [`{ ${mapping} { id teams { installed } } }`, `{ ${mapping} { id teams { lastError } } }`],
    [`{ ${bot} { id health { status } } }`, `{ ${bot} { id health { since } } }`],
    [`{ ${bot} { id appPackage { version } } }`, `{ ${bot} { id appPackage { url } } }`],
    ['{ teamsApp { shortName } }', '{ teamsApp { fullName accentColor } }'],
  ];
}

/** The queries with the ids of the parts. */
export const withIds = ([one, other]: Pair): Pair => [withId(one), withId(other)];
const withId = (query: string) => query.replace(/\b(viewer|teams|health|appPackage|teamsApp) \{/g, '$1 { id');

async function createBot(gateway: ClientsGateway): Promise<string> {
  const enterpriseAdmin = { email: `${crypto.randomUUID()}@parts.example`, password: 'a-long-password' };
  const { createEnterprise } = await gateway.graph(
    'mutation ($input: CreateEnterpriseInput!) { createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } } }',
    { input: { name: crypto.randomUUID(), enterpriseAdmin } },
  );
  const input = { enterpriseSid: createEnterprise.enterprise.sid, applicationId: crypto.randomUUID(), tenantId: crypto.randomUUID() };
  const { createBot: created } = await gateway.graph(
    'mutation ($input: CreateBotInput!) { createBot(input: $input) { ... on CreateBotSuccess { bot { sid } } } }',
    { input: { ...input, clientSecret: 'a-client-secret', botAppId: crypto.randomUUID() } },
  );
  return created.bot.sid;
}
