import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery } from 'graphql';
import type { App } from '../../src/app.ts';
import { hasBotOf } from '../../src/domain/bot-audience.ts';
import { smsWebhook, statusWebhook } from '../../src/domain/mappings/webhooks.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import type { ClaimLoop } from '../../src/exchange/claim-loop.ts';
import { startDispatcher } from '../../src/exchange/outbox/dispatcher.ts';
import { createBotFrameworkVerifier } from '../../src/platforms/microsoft/bot-framework-tokens.ts';
import { type FakeMicrosoft, startFakeMicrosoft } from '../fakes/microsoft.ts';
import { done, fresh } from '../parity/faces.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createSender } from '../support/live.ts';
import { createWorld } from '../tenancy/world.ts';
import type { Dice } from './hostile.ts';
import { createJudge, type Judge } from './judge.ts';
import type { Own } from './operations.ts';

/** Everything that can be sent to, with something of everything in it, and messages on their way. */
export interface FuzzWorld {
  readonly gateway: TestGateway;
  readonly judge: Judge;
  readonly provider: Provider;
  readonly microsoft: FakeMicrosoft;
  readonly schema: GraphQLSchema;
  /** The contract's OpenAPI document, as served. */
  readonly openApi: OpenApiDocument;
  readonly app: App;
  /** The same with trusted documents preferred, and as in production: only trusted documents, without introspection. */
  readonly trusting: App;
  readonly production: App;
  /** Basic and Bearer. */
  readonly authorizations: readonly string[];
  readonly own: Own;
  /** The paths of Restcomm's webhooks, with right secrets. */
  readonly webhooks: readonly string[];
  /** A bot that Microsoft may write to. */
  readonly bot: { readonly applicationId: string; readonly tenantId: string; readonly clientSecret: string };
  /** New enterprises and mappings: what is sent closes and deletes them. */
  readonly refresh: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Described {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Record<string, unknown> }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: BodySchema } } };
}
export interface BodySchema {
  readonly type: string;
  readonly properties?: Readonly<Record<string, BodySchema>>;
}
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

export const TRUSTED = 'query Trusted($sid: ID!) { enterprise(sid: $sid) { name } }';

export async function createFuzzWorld(): Promise<FuzzWorld> {
  const judge = createJudge();
  const microsoft = await startFakeMicrosoft();
  const directory = await mkdtemp(join(tmpdir(), 'gateway-fuzz-'));
  const manifest = join(directory, 'manifest.json');
  await writeFile(manifest, JSON.stringify({ trusted: TRUSTED }));
  let dispatcher: ClaimLoop | undefined;
  const gateway = await createTestGateway({
    log: judge.log,
    queued: () => dispatcher?.wake(),
    access: { embedded: { carrier: true, teams: true } },
    botFramework: createBotFrameworkVerifier({
      ...microsoft.settings,
      isKnownAudience: (applicationId, clouds) => hasBotOf(gateway.database.sql, applicationId, clouds),
      fetch,
    }),
  });
  const { app } = gateway;
  const trusting = gateway.another({
    graph: { introspection: true, graphiql: true, trustedDocuments: { mode: 'prefer', file: manifest } },
  });
  const production = gateway.another({
    graph: { introspection: false, graphiql: false, trustedDocuments: { mode: 'only', file: manifest } },
  });

  const { provider, sids, texts } = await createWorld(gateway);
  const bot = microsoft.addBot();
  const basic = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  const { data: made } = await provider.graph(
    `mutation { createAccessToken(input: { expiresIn: 86400, permissions: [READ, WRITE, SECRETS, AUDIT] }) {
      ... on CreateAccessTokenSuccess { token } ... on Error { message } } }`,
  );
  const bearer = authorizationOf({ token: made.createAccessToken.token });
  const { data: introspected } = await provider.graph(getIntrospectionQuery());
  const served = await app.fetch(new Request('http://gateway.test/msteams/openapi.json'));
  const openApi = (await served.json()) as OpenApiDocument;
  judge.describe(openApi);

  const known = Object.fromEntries(Object.entries(sids).map(([type, some]) => [type, [...some]])) as Record<string, string[]>;
  const cursors: string[] = [];
  const globalIds: string[] = [];
  const webhooks: string[] = [];

  async function refresh(): Promise<void> {
    const sender = await createSender(gateway, provider);
    const { organizationSid, accountSid } = provider;
    const email = fresh.email();
    await gateway.database.prisma.enterpriseAdmin.create({
      data: {
        ...{ sid: newSid('RCS'), organizationSid, enterpriseSid: sender.enterpriseSid, accountSid, email, emailFolded: email },
        ...{ name: email },
      },
    });
    const message = await sender.send();
    const keep = (type: string, sid: string) => {
      known[type] = [sid, ...(known[type] ?? [])].slice(0, 6);
    };
    keep('Enterprise', sender.enterpriseSid);
    keep('Mapping', sender.mappingSid);
    keep('Message', message);
    const { applicationId, tenantId, clientSecret } = microsoft.bots.length === 1 ? bot : microsoft.addBot();
    const { sid } = await done(provider, 'createBot', {
      enterpriseSid: sender.enterpriseSid,
      applicationId,
      tenantId,
      clientSecret,
      botAppId: 'app',
    });
    keep('Bot', sid);
    const { data } = await provider.graph(`{
      messages { edges { cursor } nodes { id } } mappings(orderBy: { field: NAME }) { edges { cursor } nodes { id } }
      enterprises { edges { cursor } nodes { id } } messageEvents { edges { cursor } }
    }`);
    const lists = Object.values(data) as { edges: { cursor: string }[]; nodes?: { id: string }[] }[];
    cursors.splice(0, cursors.length, ...lists.flatMap(({ edges }) => edges.slice(0, 3).map(({ cursor }) => cursor)));
    globalIds.splice(0, globalIds.length, ...lists.flatMap(({ nodes = [] }) => nodes.slice(0, 2).map(({ id }) => id)));
    const path = (url: string) => url.replace(gateway.gateway.publicUrl, '');
    webhooks.unshift(
      path(smsWebhook(gateway.gateway, sender.mappingSid)),
      path(statusWebhook(gateway.gateway, sender.mappingSid, message)),
    );
    webhooks.splice(8);
  }
  await refresh();
  dispatcher = startDispatcher(gateway.gateway, { concurrency: 4, perOrganization: 4, pollMs: 5000 });

  return {
    ...{ gateway, judge, provider, microsoft, openApi, app, trusting, production, webhooks, bot, refresh },
    schema: buildClientSchema(introspected),
    authorizations: [basic, bearer],
    own: (name, dice) => ownText(name, dice, { known, cursors, globalIds, texts }),
    close: async () => {
      await dispatcher?.stop();
      trusting.drain();
      production.drain();
      await gateway.close();
      await microsoft.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Texts {
  readonly known: Readonly<Record<string, readonly string[]>>;
  readonly cursors: readonly string[];
  readonly globalIds: readonly string[];
  readonly texts: readonly string[];
}

/** A cursor that nobody was given. */
const MADE_UP = [
  '["messages","DATE_CREATED",1e308,"x"]',
  '["mappings","NAME","a\\u0000","x"]',
  '["messages","__proto__",0,{}]',
  '[[[[',
  'null',
]
  .concat(
    `00000000-0000-0000-0000-000000000000:${'9'.repeat(18)}`,
    ':-1',
    'Message:',
    'Nothing:EN1',
    '__proto__:constructor',
    'Enterprise:a\0',
  )
  .map((text) => Buffer.from(text).toString('base64url'));

function ownText(name: string, dice: Dice, { known, cursors, globalIds, texts }: Texts): string {
  // A right one is hashed, which takes long.
  if (name === 'password') return dice.chance(0.02) ? 'a-long-password' : '';
  const all = Object.values(known).flat();
  if (/^(after|before)$/.test(name)) return dice.pick(dice.chance(0.5) ? cursors : MADE_UP);
  if (/^ids?$/.test(name)) return dice.pick(dice.chance(0.7) ? globalIds : MADE_UP);
  const [, type = ''] = /^(\w+)Sids?$/.exec(name) ?? [];
  const named = known[type.replace(/^./, (letter) => letter.toUpperCase())];
  if (named && dice.chance(0.8)) return dice.pick(named);
  if (/sids?$/i.test(name)) return dice.pick(all);
  if (/email|address/i.test(name) && !/external/i.test(name)) return fresh.email();
  if (/externalAddress|^to$|^from$/.test(name)) return dice.chance(0.8) ? fresh.number() : dice.pick(texts);
  return dice.chance(0.5) ? dice.pick(texts) : fresh.name();
}
