import { randomBytes, randomInt } from 'node:crypto';
import { accountSid, newSid, type SidPrefix } from '../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { insertCheckedImport } from '../support/imports.ts';
import { rowsOf, stringsIn } from './rows.ts';

/** A mutation that made a world, with its idempotency key. */
export interface Deed {
  readonly mutation: string;
  readonly input: Record<string, unknown>;
}

/** An organization with one or more of everything. */
export interface World {
  readonly provider: Provider;
  /** The sids by the type that they name. */
  readonly sids: Readonly<Record<string, readonly string[]>>;
  /** What may be searched for: a name, addresses, a number, an error's text. */
  readonly texts: readonly string[];
  /** What its own queries must show, the client secret included. */
  readonly visible: readonly string[];
  readonly deeds: readonly Deed[];
  /** Secrets that no row holds in the clear. */
  readonly secrets: readonly string[];
}

/** The first letters of the sids by the type that they name. A type that isn't here is unknown to the walk. */
export const prefixes: Readonly<Record<string, SidPrefix | 'AC'>> = {
  Account: 'AC',
  Organization: 'OR',
  Enterprise: 'EN',
  EnterpriseAdmin: 'RCS',
  Mapping: 'BE',
  Bot: 'BE',
  BotCredential: 'BC',
  Message: 'MS',
  Conversation: 'CV',
  AccessToken: 'AT',
  MappingImport: 'IM',
  WebhookEndpoint: 'WH',
  PersonErasure: 'ER',
};

/** A sid that names nothing. */
export function unknownSid(type: string): string {
  const prefix = prefixes[type];
  if (!prefix) throw new Error(`The tenancy walk does not know the sids of ${type}`);
  return prefix === 'AC' ? accountSid(randomBytes(8).toString('hex')) : newSid(prefix);
}

/** Makes a world with unique texts: two enterprises, one of them with a bot, a mapping each, and messages with their history. */
export async function createWorld(gateway: TestGateway): Promise<World> {
  const provider = await gateway.provider();
  const tag = randomBytes(5).toString('hex');
  const number = `49${randomInt(1e11, 9e11)}`;
  // Its last four characters are shown as a hint.
  const clientSecret = `secret-${tag}-${[...tag.slice(0, 4)].map((digit) => String.fromCharCode(0x2800 + digit.charCodeAt(0))).join('')}`;
  const deeds: Deed[] = [];

  async function make(mutation: string, input: Record<string, unknown>): Promise<Made> {
    const deed = { mutation, input: { ...input, idempotencyKey: `key-${tag}-${deeds.length}` } };
    deeds.push(deed);
    const { data, errors } = await provider.graph(documentOf(deed), { input: deed.input });
    if (errors || data.made.__typename.endsWith('Error')) throw new Error(`${mutation} made nothing: ${JSON.stringify(errors ?? data)}`);
    const { made } = data;
    return made.enterprise ?? made.mapping ?? made.bot ?? made;
  }

  const enterprises: string[] = [];
  const mappings: string[] = [];
  for (const index of [1, 2]) {
    const enterpriseAdmin = {
      email: `admin${index}@${tag}.example`,
      password: `password-${tag}-${index}`,
      name: `admin ${index} ${tag}`,
    };
    const { sid: enterpriseSid } = await make('createEnterprise', { name: `Enterprise ${index} ${tag}`, enterpriseAdmin });
    enterprises.push(enterpriseSid);
    const mapping = { name: `user ${index} ${tag}`, microsoftAddress: `user${index}@${tag}.example`, externalAddress: `${number}${index}` };
    mappings.push((await make('createMapping', { ...mapping, enterpriseSid })).sid);
  }
  const azure = { applicationId: `app-${tag}`, tenantId: `tenant-${tag}`, botAppId: `store-${tag}`, clientSecret };
  const { sid: bot } = await make('createBot', { ...azure, enterpriseSid: enterprises[0] });
  const credential = newSid('BC');
  const sealed = gateway.gateway.secrets.seal(`further-${tag}`, credential);
  const { organizationSid } = provider;
  await gateway.database.prisma.botCredential.create({
    data: { sid: credential, organizationSid, botSid: bot, kind: 'CERTIFICATE', name: `credential ${tag}`, sealed },
  });
  const narrowed = { expiresIn: 3600, permissions: ['READ'], enterpriseSid: enterprises[0] };
  const { token, accessToken } = await make('createAccessToken', narrowed);
  const { personErasure } = await make('erasePerson', { phoneNumber: `${number}3`, enterpriseSid: enterprises[0] });
  const hook = { url: `https://${tag}.example/hook`, enterpriseSid: enterprises[0] };
  const { secret, webhookEndpoint } = await make('createWebhookEndpoint', hook);
  const message = await insertMessage(gateway, provider, tag, `${number}1`, enterprises[0] as string, mappings[0] as string);

  const conversations = await gateway.database.prisma.conversation.findMany({ where: { organizationSid: provider.organizationSid } });
  const row = { name: `imported ${tag}`, microsoftAddress: `imported@${tag}.example`, externalAddress: `${number}9` };
  const mappingImport = await insertCheckedImport(gateway, provider, enterprises[0] as string, row);

  await gateway.database.prisma.teamsApp.create({
    data: { organizationSid, enterpriseSid: enterprises[0] as string, settings: { shortName: `app ${tag}` } },
  });
  const admins = await gateway.database.prisma.enterpriseAdmin.findMany({ where: { organizationSid: provider.organizationSid } });
  return {
    provider,
    sids: {
      Account: [provider.accountSid],
      Organization: [provider.organizationSid],
      Enterprise: enterprises,
      EnterpriseAdmin: admins.map(({ sid }) => sid),
      Mapping: mappings,
      Bot: [bot],
      BotCredential: [credential],
      Message: [message],
      Conversation: conversations.map(({ sid }) => sid),
      AccessToken: [accessToken.sid],
      MappingImport: [mappingImport],
      WebhookEndpoint: [webhookEndpoint.sid],
      PersonErasure: [personErasure.sid],
    },
    texts: [`user 1 ${tag}`, `user1@${tag}.example`, `${number}1`, `error ${tag}`],
    visible: [
      ...[provider.accountSid, provider.organizationSid, provider.email, ...enterprises, ...mappings, bot, message, accessToken.sid],
      ...admins.flatMap(({ sid, accountSid, email }) => [sid, accountSid, email]),
      ...[`Enterprise 2 ${tag}`, `user 2 ${tag}`, `user2@${tag}.example`, `${number}2`, `app-${tag}`, `tenant-${tag}`, `store-${tag}`],
      ...[clientSecret, `body ${tag}`, `https://media.example/${tag}`, `error ${tag}`, `restcomm-${tag}`],
      ...[webhookEndpoint.sid, `https://${tag}.example/hook`],
      ...[mappingImport, `imported ${tag}`, `imported@${tag}.example`, `${number}9`],
    ],
    deeds,
    secrets: [clientSecret, `password-${tag}-1`, `password-${tag}-2`, provider.authToken, token, secret],
  };
}

/** What a deed answers, in part. */
interface Made {
  readonly sid: string;
  readonly token: string;
  readonly accessToken: { readonly sid: string };
  readonly secret: string;
  readonly personErasure: { readonly sid: string };
  readonly webhookEndpoint: { readonly sid: string };
}

/** The deed as an operation, with what its result tells. */
export const documentOf = ({
  mutation,
}: Deed): string => `mutation ($input: ${mutation.replace(/^[ce]/, (letter) => letter.toUpperCase())}Input!) {
  made: ${mutation}(input: $input) { __typename ${shown[mutation]} ... on Error { code message path value } }
}`;

const shown: Readonly<Record<string, string>> = {
  createEnterprise:
    '... on CreateEnterpriseSuccess { enterprise { id sid accountEmail name admin { sid restcommAccountSid email name } } }',
  createMapping:
    '... on CreateMappingSuccess { mapping { id sid accountEmail name microsoftAddress externalAddress enterprise { name } } }',
  createBot: '... on CreateBotSuccess { bot { id sid accountEmail applicationId tenantId clientSecret enterprise { name } } }',
  erasePerson: '... on ErasePersonSuccess { personErasure { sid messages } }',
  createWebhookEndpoint: '... on CreateWebhookEndpointSuccess { secret webhookEndpoint { sid url enterprise { name } } }',
  createAccessToken: '... on CreateAccessTokenSuccess { token accessToken { sid enterprise { name } } }',
};

/** Messages arrive by the exchange, but the tests of tenancy need only their rows. */
async function insertMessage(
  { database: { prisma } }: TestGateway,
  { organizationSid, accountSid }: Provider,
  tag: string,
  to: string,
  enterpriseSid: string,
  mappingSid: string,
): Promise<string> {
  const failed = { channelStatus: 'FAILED', channelErrorCode: `code-${tag}`, channelErrorMessage: `error ${tag}`, statusRank: 4 } as const;
  const { sid } = await prisma.message.create({
    data: {
      ...{ sid: newSid('MS'), organizationSid, accountSid, enterpriseSid, mappingSid, direction: 'OUTBOUND', type: 'MMS', ...failed },
      ...{ from: `sender-${tag}`, fromFolded: `sender-${tag}`, to, toFolded: to, body: `body ${tag}` },
      ...{ mediaUrls: [`https://media.example/${tag}`], restcommMessageSid: `restcomm-${tag}` },
    },
  });
  const event = { organizationSid, messageSid: sid };
  await prisma.eventHead.upsert({ where: { organizationSid }, create: { organizationSid, seq: 2 }, update: { seq: 2 } });
  await prisma.messageEvent.createMany({
    data: [
      { ...event, seq: 1, status: 'RECEIVED' },
      { ...event, seq: 2, status: 'FAILED', previousStatus: 'RECEIVED', errorCode: `code-${tag}`, errorMessage: `error ${tag}` },
    ],
  });
  return sid;
}

/** Every text that is the world's and not also the other's, whatever table and column holds it, and the secrets of its making. */
export async function canariesOf(gateway: TestGateway, world: World, other: World): Promise<string[]> {
  const rows = await rowsOf(gateway.database.pool);
  const textsOf = ({ provider }: World) => {
    const own = rows.filter(({ text }) => text.includes(provider.organizationSid));
    return new Set(own.flatMap(({ text }) => stringsIn(JSON.parse(text))));
  };
  const common = textsOf(other);
  const distinctive = [...textsOf(world)].filter((text) => text.length >= 4 && !common.has(text) && !/^\d{4}-\d\d-\d\dT/.test(text));
  return [...distinctive, ...world.secrets];
}
