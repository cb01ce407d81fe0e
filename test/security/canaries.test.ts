import { randomBytes } from 'node:crypto';
import {
  type GraphQLInputType,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import type { BodyField, Operation } from '../../src/contract/operations/operation.ts';
import { table } from '../../src/contract/operations/table.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { smsWebhook } from '../../src/domain/mappings/webhooks.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { startDispatcher } from '../../src/exchange/outbox/dispatcher.ts';
import { createLog } from '../../src/log.ts';
import { createBotFrameworkVerifier } from '../../src/platforms/microsoft/bot-framework-tokens.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { createHttpMicrosoft } from '../../src/platforms/microsoft/http.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { createHttpRestcomm } from '../../src/platforms/restcomm/http.ts';
import { type FakeServer, startFakeServer } from '../fakes/fake-server.ts';
import { authorizationOf } from '../support/credentials.ts';
import { until } from '../support/exchange.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { rowsOf } from '../tenancy/rows.ts';

// Whatever text a caller, a platform or the database gives is a canary, made from the schema and the contract's table so that no new field escapes.
// None may sing in the log; those that are secrets may sing nowhere but in the one field that the contract has for them.

interface Canary {
  readonly core: string;
  readonly where: string;
  readonly isSecret: boolean;
}
const canaries: Canary[] = [];
const SECRET = /secret(?!Expires)|password|token|privateKey/i;

/** A text that its field takes. Secrets hold what is written otherwise in JSON, forms and URLs. */
function canary(where: string): string {
  const field = where.split('.').at(-1) ?? '';
  const isSecret = SECRET.test(field);
  const digits = BigInt(`0x${randomBytes(6).toString('hex')}`)
    .toString()
    .padStart(15, '1')
    .slice(0, 15);
  const isNumber = /^(externalAddress|to|from)$/.test(field);
  const core = isNumber ? digits : `canary${randomBytes(6).toString('hex')}`;
  canaries.push({ core, where, isSecret });
  if (isNumber) return `+${core}`;
  if (/email|address/i.test(field)) return `${core}@${core}.example`;
  return isSecret ? `"${core}' ~\\ü/+&=%` : core;
}

type Play = 'fine' | 'refused' | 'refused with a token' | 'broken';
/** What the platforms do now. */
let play: Play = 'fine';
let echo: FakeServer<'any'>;
let gateway: TestGateway;
let authorization: string;
let accountSid: string;
let organizationSid: string;
const logged: string[] = [];
const answers: string[] = [];
/** All of both, from the tests before. */
let heard = '';
/** For the secrets that the gateway itself is given. */
const own = { authToken: `canary-token-${randomBytes(8).toString('hex')}`, restcommToken: '', bearer: '' };

/** A platform in the place of another, as `play` says. */
function platform<Platform extends object>(fine: Platform, refusing: Platform): Platform {
  return new Proxy(fine, {
    get:
      (_target, name) =>
      (...args: unknown[]) => {
        if (play === 'broken') throw new TypeError(`cannot read ${JSON.stringify(args)} of ${String(name)}`);
        const called = (play === 'fine' ? fine : refusing) as Record<string | symbol, (...given: unknown[]) => unknown>;
        return called[name]?.(...args);
      },
  });
}

beforeAll(async () => {
  own.restcommToken = canary('restcomm.authToken');
  own.bearer = canary('microsoft.token').replaceAll(/[^\w-]/g, '');
  // It refuses everything, and quotes all that it was sent, as sent and decoded.
  echo = await startFakeServer(
    () => 'any' as const,
    ({ path, headers, body }) => {
      if (path.includes('/oauth2/') && play === 'refused with a token')
        return { status: 200, body: { access_token: own.bearer, expires_in: 3600 } };
      const decoded = Object.fromEntries(new URLSearchParams(body));
      const quote = `Refused: ${headers.authorization} ${JSON.stringify(Object.values(decoded))} ${body} ${path}`;
      if (path.includes('/oauth2/')) return { status: 401, body: { error: 'invalid_client', error_description: quote } };
      return { status: 400, body: path.includes('/restcomm/') ? { message: quote, error: 1 } : { error: { code: 'Bad', message: quote } } };
    },
  );
  const issuer = 'https://api.botframework.com';
  const addresses = {
    loginUrl: echo.url,
    graphUrl: `${echo.url}/graph`,
    serviceUrl: `${echo.url}/teams/`,
    serviceHosts: ['http://127.0.0.1'],
  };
  gateway = await createTestGateway({
    log: createLog('trace', { write: (line: string) => void logged.push(line) }),
    restBotSecrets: 'masked',
    platforms: {
      restcomm: platform(
        createEmbeddedRestcomm(),
        createHttpRestcomm({ url: echo.url, accountSid: `AC${'0'.repeat(32)}`, authToken: own.restcommToken, fetch }),
      ),
      microsoft: platform(createEmbeddedMicrosoft(), createHttpMicrosoft({ ...addresses, issuer, fetch })),
    },
    botFramework: createBotFrameworkVerifier({
      frameworks: [{ openIdUrl: `${echo.url}/keys`, issuer, clouds: ['COMMERCIAL'] }],
      ...{ isKnownAudience: async () => true, fetch },
    }),
  });
  canaries.push({ core: own.authToken, where: 'account.authToken', isSecret: true });
  const { account } = await createAccount(gateway.gateway, {
    organization: { name: 'Acme' },
    email: 'ops@acme.example',
    authToken: own.authToken,
  });
  ({ sid: accountSid, organizationSid } = account);
  authorization = authorizationOf({ user: accountSid, password: own.authToken });
});
afterAll(async () => {
  await gateway.close();
  await echo.close();
});

/** One of everything, each with its canaries, straight into the tables. */
async function makeWorld() {
  const { prisma, secrets } = gateway.gateway;
  const owned = { organizationSid, accountSid };
  const [full, free] = [newSid('EN'), newSid('EN')];
  for (const sid of [full, free]) {
    await prisma.enterprise.create({ data: { ...owned, sid, name: sid, nameFolded: sid.toLowerCase() } });
    const email = canary('stored.emailId');
    await prisma.enterpriseAdmin.create({
      data: {
        sid: newSid('RCS'),
        organizationSid,
        enterpriseSid: sid,
        accountSid: newSid('EN').replace('EN', 'AC'),
        email,
        emailFolded: email,
      },
    });
  }
  const [bot, mapping, message, token] = [newSid('BE'), newSid('BE'), newSid('MS'), newSid('AT')];
  const clientSecret = secrets.seal(canary('stored.clientSecret'), bot);
  const azure = { applicationId: 'app', tenantId: 'tenant', botAppId: 'store', clientSecret, clientSecretHint: 'hint' };
  await prisma.bot.create({ data: { ...owned, ...azure, sid: bot, enterpriseSid: full } });
  const [user, number, sender] = [canary('stored.microsoftAddress'), canary('stored.externalAddress'), canary('stored.from')];
  const names = { name: user, nameFolded: user, microsoftAddress: user, microsoftAddressFolded: user, microsoftDomain: 'x' };
  const columns = { ...names, externalAddress: number, externalDigits: number.slice(1) };
  await prisma.mapping.create({ data: { ...owned, ...columns, sid: mapping, enterpriseSid: full } });
  const sms = { from: sender, fromFolded: sender, to: number, toFolded: number, body: canary('stored.body') };
  const stuck = { direction: 'OUTBOUND', channelStatus: 'RECEIVED', statusRank: 0, stuck: true } as const;
  await prisma.message.create({ data: { ...owned, ...sms, ...stuck, sid: message, enterpriseSid: full, mappingSid: mapping } });
  const dateExpires = new Date(Date.now() + 3_600_000);
  await prisma.accessToken.create({ data: { ...owned, sid: token, permissions: ['read'], dateExpires } });
  return { Enterprise: full, free, Bot: bot, Mapping: mapping, Message: message, AccessToken: token, number };
}
type World = Awaited<ReturnType<typeof makeWorld>>;

/** How an input is made: as it should be, or with texts that are too long, hold what no text may, or are no texts. */
const variants = {
  valid: (text: string): unknown => text,
  'too long': (text: string): unknown => text.repeat(3000),
  'that no row holds': (text: string): unknown => `${text}\0\ud800`,
  'an object': (text: string): unknown => ({ [`x${randomBytes(2).toString('hex')}`]: text }),
  'a list': (text: string): unknown => [text, 1],
} as const;
type Variant = keyof typeof variants;

function sidOf(operation: string, field: string, { free, ...sids }: World): string | undefined {
  if (field === 'enterpriseSid' && /createBot$/.test(operation)) return free;
  const named = field === 'sid' ? /(Enterprise|Mapping|Bot|Message|AccessToken)/.exec(operation)?.[1] : /^(\w+)Sids?$/.exec(field)?.[1];
  const type = named?.replace(/^./, (letter) => letter.toUpperCase()) as keyof typeof sids | undefined;
  return type && sids[type];
}

/** A value for an input of the graph. */
function valueFor(type: GraphQLInputType, path: string, made: World, vary: (text: string) => unknown): unknown {
  if (isNonNullType(type)) return valueFor(type.ofType, path, made, vary);
  if (isListType(type)) return [valueFor(type.ofType, path, made, vary)];
  const field = path.split('.').at(-1) ?? '';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).map(({ name, type: of }) => [name, valueFor(of, `${path}.${name}`, made, vary)]);
    return Object.fromEntries(fields);
  }
  if (isEnumType(type)) return (type.getValue('READ') ?? type.getValue('INACTIVE') ?? type.getValues()[0])?.name;
  if (type.name === 'Int') return field === 'expiresIn' ? 600 : 1;
  if (type.name === 'Float') return 600;
  if (type.name === 'Boolean') return true;
  if (type.name === 'DateTime') return typeof vary('') === 'string' ? '2026-11-24T12:00:00Z' : vary(canary(path));
  // A key that is refused would be all that the operation is refused for.
  if (field === 'idempotencyKey' && vary !== variants.valid) return undefined;
  return sidOf(path.split('.')[0] ?? '', field, made) ?? vary(canary(path));
}

/** Every field that is not a secret itself, and theirs. */
function select(type: GraphQLNamedOutputType, depth = 1): string {
  if (isAbstractType(type)) {
    const members = schema.getPossibleTypes(type).filter(({ name }) => !name.endsWith('Error'));
    const [only] = members.length === 1 ? members : [];
    return `{ __typename ${only ? `... on ${only.name} ${select(only, depth + 1)} ... on Error { code message path value }` : ''} }`;
  }
  const fields = Object.values((type as GraphQLObjectType).getFields()).filter(
    ({ name, type: of, args }) =>
      !/^(clientSecret|token)$/.test(name) &&
      !args.some((argument) => isNonNullType(argument.type)) &&
      (isLeafType(getNamedType(of)) || depth > 0),
  );
  const inner = (of: GraphQLNamedOutputType) => (isLeafType(of) ? '' : select(of, depth - 1));
  return `{ __typename ${fields.map(({ name, type: of }) => `${name} ${inner(getNamedType(of))}`).join(' ')} }`;
}

async function send(path: string, init: { method?: string; headers?: Record<string, string>; body?: string }): Promise<number> {
  const headers = { authorization, ...init.headers };
  const response = await gateway.fetch(new Request(`http://gateway.test${path}`, { ...init, headers }));
  answers.push(`${path.split('?')[0]} ${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
  return response.status;
}
const json = { 'content-type': 'application/json' };

/** Every query and mutation of the graph, its texts in variables, or in the document itself. */
async function askGraph(
  vary: (text: string) => unknown,
  where: 'in variables' | 'in the document',
  operations = ['query', 'mutation'],
): Promise<void> {
  for (const operation of operations) {
    const root = operation === 'query' ? schema.getQueryType() : schema.getMutationType();
    // What takes away comes last, where all are done to one world.
    const isLast = ({ name }: { name: string }) => Number(/^(close|delete|revoke)/.test(name));
    const fields = Object.values(root?.getFields() ?? {}).sort((one, other) => isLast(one) - isLast(other));
    for (const field of fields) {
      const made = operation === 'query' || !making ? shared : await makeWorld();
      const variables = Object.fromEntries(field.args.map(({ name, type }) => [name, valueFor(type, `${field.name}.${name}`, made, vary)]));
      // Of the arguments of a page, not both directions.
      for (const backward of ['last', 'before', 'after', 'offset']) delete variables[backward];
      const given = field.args.filter(({ name }) => name in variables);
      const selection = isLeafType(getNamedType(field.type)) ? '' : select(getNamedType(field.type));
      const declared = given.map(({ name, type }) => `$${name}: ${type}`).join(', ');
      const passed = given.map(({ name }) => `${name}: ${where === 'in variables' ? `$${name}` : literal(variables[name])}`).join(', ');
      const head = where === 'in variables' && declared ? `${operation} (${declared})` : operation;
      const query = `${head} { ${field.name}${passed && `(${passed})`} ${selection} }`;
      await send('/graphql', { method: 'POST', headers: json, body: JSON.stringify({ query, variables }) });
    }
  }
}
/** What queries ask for, and mutations where no new world can be made. */
let shared: World;
let making = true;

/** A value as GraphQL writes it. Enum values are recognized by their form. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, part]) => `${name}: ${literal(part)}`)
      .join(', ')} }`;
  return typeof value === 'string' && /^[A-Z_]+$/.test(value) ? value : JSON.stringify(value);
}

/** Every operation of the contract. */
async function askContract(vary: (text: string) => unknown): Promise<void> {
  const inputFor = ({ name, fields, values }: BodyField, path: string, made: World): unknown =>
    fields
      ? Object.fromEntries(fields.map((field) => [field.name, inputFor(field, `${path}.${field.name}`, made)]))
      : (values?.[0] ?? sidOf(path.split('.')[0] ?? '', name, made) ?? vary(canary(`${path}.${name}`)));
  for (const { operation, path, methods, body, query } of table as readonly Operation[]) {
    for (const method of methods) {
      const made = method === 'GET' ? shared : await makeWorld();
      const url = path.replace('{sid}', sidOf(operation, 'sid', made) ?? 'none');
      const content = body && Object.fromEntries(body.map((field) => [field.name, inputFor(field, operation, made)]));
      const parameters = new URLSearchParams(
        (query ?? []).map(({ name }) => [name, /^page/i.test(name) ? '1' : canary(`${operation}.${name}`)]),
      );
      const headers: Record<string, string> = { 'idempotency-key': canary(`${operation}.idempotencyKey`), ...(content ? json : {}) };
      await send(query ? `${url}?${parameters}` : url, { method, headers, body: content && JSON.stringify(content) });
    }
  }
}

/** Whether a text has a canary. All that it has are found at once: there are thousands of canaries, and megabytes of text. */
function hearing(text: string): (core: string) => boolean {
  const found = new Set(Array.from(text.matchAll(/canary[0-9a-f]{12}|(?=(\d{15}))/g), ([core, digits]) => digits ?? core));
  return (core) => (/^(canary[0-9a-f]{12}|\d{15})$/.test(core) ? found.has(core) : text.includes(core));
}

/** What sang, where, and amid what. */
async function songs(): Promise<string[]> {
  const log = logged.join('');
  const told = answers.join('\n');
  const stored = (await rowsOf(gateway.database.pool)).map(({ text }) => text).join('\n');
  const [inLog, inAnswer, inDatabase] = [hearing(log), hearing(told), hearing(stored)];
  const amid = (text: string, core: string) => text.slice(Math.max(0, text.indexOf(core) - 160), text.indexOf(core) + 40);
  return canaries.flatMap(({ core, where, isSecret }) => [
    ...(inLog(core) ? [`${where} in the log: ${amid(log, core)}`] : []),
    ...(isSecret && inAnswer(core) ? [`${where} in an answer: ${amid(told, core)}`] : []),
    ...(isSecret && inDatabase(core) ? [`${where} in the database: ${amid(stored, core)}`] : []),
  ]);
}
const quiet = async () => expect(await songs()).toEqual([]);

beforeAll(async () => {
  shared = await makeWorld();
});
beforeEach(() => {
  heard += answers.join('\n') + logged.join('');
  logged.length = 0;
  answers.length = 0;
});

describe('no secret is returned, logged or stored in plain text, and no message, number or address is logged', () => {
  test.each(Object.keys(variants) as Variant[])('for any incoming texts: %s', async (variant) => {
    await askGraph(variants[variant], 'in variables');
    if (['valid', 'an object'].includes(variant)) await askGraph(variants[variant], 'in the document');
    await askContract(variants[variant]);
    await quiet();
  });

  test.each(['refused', 'refused with a token', 'broken'] as const)('if the platforms’ responses are %s', async (how) => {
    play = how;
    try {
      await askGraph(variants.valid, 'in variables');
      await askContract(variants.valid);
    } finally {
      play = 'fine';
    }
    if (how !== 'broken') expect(echo.requests.length).toBeGreaterThan(10);
    await quiet();
  });

  const states = ['P0001', '22P02', '23514', '58000'];
  const tables = ['enterprise', 'enterprise_admin', 'mapping', 'bot', 'message', 'outbox', 'access_token', 'idempotency_key', 'audit_log'];
  test.each(tables)('if the database refuses a row of %s and quotes it', async (table) => {
    const { prisma } = gateway.gateway;
    shared = await makeWorld();
    await prisma.$executeRawUnsafe(`CREATE OR REPLACE FUNCTION quote_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'Failing row contains %', NEW
        USING ERRCODE = '${states[tables.indexOf(table) % states.length]}', DETAIL = NEW::text, HINT = NEW::text; END $$`);
    await prisma.$executeRawUnsafe(`CREATE TRIGGER quoting BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION quote_row()`);
    making = false;
    try {
      await askGraph(variants.valid, 'in variables', ['mutation']);
    } finally {
      making = true;
      await prisma.$executeRawUnsafe(`DROP TRIGGER quoting ON ${table}`);
    }
    expect(logged.join('')).toContain('database error');
    await quiet();
  });

  test('at the entrance: wrong passwords, forged tokens, tokens in URLs, cookies, invalid documents', async () => {
    const before = answers.length;
    const headers = (value: string) => ({ ...json, authorization: value });
    const body = JSON.stringify({ query: '{ viewer { account { sid } } }' });
    for (const path of ['/graphql', '/msteams/enterprises/search', '/elsewhere']) {
      const method = path === '/graphql' ? 'POST' : 'GET';
      const content = method === 'POST' ? body : undefined;
      const password = canary('header.password').replaceAll(/[^\x20-\x7e]/g, '');
      for (const value of [
        authorizationOf({ user: accountSid, password }),
        `Bearer ${password.replaceAll(' ', '')}`,
        `Basic ${password}`,
        password,
      ])
        await send(path, { method, headers: headers(value), body: content });
      const token = canary('query.access_token').replaceAll(/\W/g, '');
      await send(`${path}?access_token=${token}&query=%7B`, { method: 'GET', headers: { authorization: '', accept: 'text/event-stream' } });
      await send(path, {
        method,
        headers: { ...json, cookie: `session=${canary('header.cookieToken').replaceAll(/\W/g, '')}` },
        body: content,
      });
    }
    const secret = canary('document.clientSecret').replaceAll(/\W/g, '');
    for (const text of [`{"query": "${secret}`, secret, `{"query":"{ ${secret} }"}`, JSON.stringify({ query: `{ a(b: "${secret}` })])
      await send('/msteams/teamsbot', { method: 'POST', headers: json, body: text });
    expect(answers.length - before).toBeGreaterThan(20);
    await quiet();
  });

  test('while messages are exchanged: by the webhook, the bot endpoint and the outbox, whose errors are stored with the message', async () => {
    const made = await makeWorld();
    const sms = {
      SmsSid: `SM${randomBytes(16).toString('hex')}`,
      From: canary('webhook.from'),
      To: made.number,
      Body: canary('webhook.Body'),
    };
    const url = new URL(smsWebhook(gateway.gateway, made.Mapping));
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: '' } };
    expect(await send(url.pathname, { ...form, body: `${new URLSearchParams(sms)}` })).toBe(200);
    await send(`${url.pathname.replace(/.....sms$/, '')}0000/sms`, { ...form, body: `${new URLSearchParams(sms)}` });
    const activity = { type: 'message', text: canary('activity.text'), serviceUrl: echo.url, from: { id: canary('activity.from') } };
    const bearer = canary('activity.token').replaceAll(/[^\w-]/g, '');
    await send('/api/messages', {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${bearer}.${bearer}.${bearer}` },
      body: JSON.stringify(activity),
    });
    await send('/graphql', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({
        query: 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }',
        variables: { input: { mappingSid: made.Mapping, to: canary('sendMessage.to'), body: canary('sendMessage.body') } },
      }),
    });
    for (const how of ['refused with a token', 'broken'] as const) {
      play = how;
      await gateway.gateway.prisma.outboxLane.updateMany({ data: { due: new Date() } });
      const dispatcher = startDispatcher(gateway.gateway, {
        concurrency: 4,
        perOrganization: 4,
        pollMs: 20,
        retry: { limit: 2, firstPauseMs: 1 },
      });
      try {
        // What is refused waits, what gets no answer is set aside.
        const left = how === 'broken' ? {} : { message: { stuck: false } };
        await until(async () => (await gateway.gateway.prisma.outbox.count({ where: left })) === 0);
      } finally {
        await dispatcher.stop();
        play = 'fine';
      }
    }
    const { prisma } = gateway.gateway;
    expect(await prisma.message.count({ where: { mappingSid: made.Mapping, channelErrorMessage: { not: null } } })).toBeGreaterThanOrEqual(
      1,
    );
    await quiet();
  });

  test('every canary has been sent, and is found where it may appear', () => {
    const sent = new Set(canaries.map(({ where }) => where));
    for (const name of ['createBot.input.clientSecret', 'createEnterprise.input.enterpriseAdmin.password', 'createBot.clientSecret'])
      expect(sent).toContain(name);
    for (const sign of ['PLATFORM_ERROR', '"errorCode":"452"', 'Refused: ', 'database error', 'INTERNAL_SERVER_ERROR'])
      expect(heard).toContain(sign);
  });
});
