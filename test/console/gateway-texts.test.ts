import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inGerman } from '../../src/console/words/gateway-texts.ts';
import { REFUSALS } from '../../src/exchange/outbox/refusals.ts';
import { toReport, UNREPORTED, withTextChange } from '../../src/exchange/restcomm/reports.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { type BotCheck, type BotCredentials, botCheckSteps, botFaults } from '../../src/platforms/microsoft/microsoft.ts';
import { lackingPermissions } from '../../src/platforms/microsoft/permissions.ts';
import { refusalOf as microsoftRefusalOf } from '../../src/platforms/microsoft/refusal.ts';
import { CutOffError, noResponse } from '../../src/platforms/request.ts';
import { done, newBot, newEnterprise, newMapping } from '../parity/faces.ts';
import { mutate } from '../support/bots.ts';
import { makeCertificate } from '../support/certificates.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

/** Words of English that no German sentence has. */
const ENGLISH = /\b(the|must|not|is missing|has|have|needs|invalid|line|file|row|that|with|grant|give|upload)\b/i;

const germanOf = (text: string) => {
  const german = inGerman(text);
  return { text, german, isGerman: german !== text && !ENGLISH.test(german) };
};
const isGerman = (text: string) => expect(germanOf(text)).toMatchObject({ isGerman: true });

test('takes over what is in a text, and leaves others as they are', () => {
  expect(inGerman('Parameter shortName is invalid: must have at most 30 characters')).toBe(
    'Nicht gültig (shortName): darf höchstens 30 Zeichen haben',
  );
  expect(inGerman('The file has more than 10,000 rows')).toBe('Die Datei hat mehr als 10.000 Zeilen');
  expect(inGerman('Line 7: the row is longer than 4096 characters')).toBe('Zeile 7: Sie ist länger als 4096 Zeichen');
  expect(inGerman('Parameter x is invalid: is out of luck')).toBe('Nicht gültig (x): is out of luck');
  expect(inGerman('AADSTS7000222: The provided client secret keys are expired.')).toBe(
    'AADSTS7000222: The provided client secret keys are expired.',
  );
  // What is taken over is no pattern, and is not looked at again.
  expect(inGerman('Microsoft does not know {user} $& is malformed.')).toBe('Microsoft kennt {user} $& is malformed nicht.');
});

describe('why a message is not delivered', () => {
  test.each(Object.values(REFUSALS).map(({ message }) => message))('the gateway’s own refusal has German words: %s', (text) =>
    isGerman(text),
  );

  const codes = ['30001', '30002', '30003', '30004', '30005', '30006', '30007', '30008', '30009', '30010', '', '21610'];
  test.each(codes)('Restcomm’s error %j has German words, and what the carrier adds stays', (errorCode) => {
    const { errorMessage = '' } = toReport({ sid: 'SM1', status: 'failed', errorCode, errorMessage: undefined });
    isGerman(errorMessage);
    const { errorMessage: detailed = '' } = toReport({ sid: 'SM1', status: 'failed', errorCode, errorMessage: 'err:011' });
    expect(detailed).toBe(`${errorMessage}: err:011`);
    expect(inGerman(detailed)).toBe(`${inGerman(errorMessage)}: err:011`);
  });

  test('what the gateway notes of an SMS has German words', () => {
    isGerman("sunny@kohl.example is not a user of the bot's tenant");
    isGerman(UNREPORTED.errorMessage ?? '');
    for (const kept of ['Open from', 'Closed']) {
      const { errorMessage } = withTextChange({ status: 'SENT', restcommMessageSid: 'SM1' }, kept, 'Open from nine');
      isGerman(errorMessage ?? expect.unreachable());
    }
  });

  test('each error of a delivery that the gateway words itself has German words', async () => {
    const rooms = ['src/exchange', 'src/platforms/microsoft', 'src/platforms/restcomm'];
    const files = (await Promise.all(rooms.map((room) => readdir(room, { recursive: true, withFileTypes: true })))).flat();
    // The embedded Microsoft speaks as Microsoft does.
    const own = files.filter((file) => file.isFile() && file.name !== 'embedded.ts');
    const sources = await Promise.all(own.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
    const made = /new (?:Delivery|Curable)Error\(\s*[^,]+,\s*'[^']*',\s*(['"`])(.*?)\1/gs;
    const found = sources.flatMap((source) => [...source.matchAll(made)].map(([, , text = '']) => text.replaceAll(/\$\{.*?\}/g, '200')));
    expect(found).toContain('Restcomm cannot be reached');
    for (const text of found) isGerman(text);
  });

  const errnoOf = (code: string) => Object.assign(new Error(code), { code });
  test.each([
    Object.assign(new Error(), { name: 'TimeoutError' }),
    new CutOffError(true),
    Object.assign(errnoOf('ECONNREFUSED'), { syscall: 'connect' }),
    errnoOf('ECONNRESET'),
  ])('a host that does not respond has German words, case %#', (error) => isGerman(noResponse('hooks.example', error).message));
});

describe('what the gateway refuses of what a page asks it', () => {
  let gateway: TestGateway;
  let provider: Provider;
  let enterpriseSid: string;
  let botSid: string;
  let mappingSid: string;
  /** What Microsoft says of a bot: each step fails in each way. */
  const codes = [
    undefined,
    'InstallForbidden',
    'AppNotInCatalog',
    'AppNotPublished',
    'AppOutdated',
    'AppNotInstalled',
    'BotAppIdInvalid',
    'UserUnknown',
  ];
  const failures = botCheckSteps.flatMap((step): BotCheck[] =>
    [...codes, 'AADSTS7000215'].flatMap((code) => [undefined, ...botFaults].map((reason) => ({ step, passed: false, code, reason }))),
  );
  /** What Microsoft says of a bot, unless its tokens are of the login of the tenant `taken`. */
  let checks: BotCheck[];
  let taken: string;
  let tenantGuid: string | undefined;
  beforeEach(() => {
    [checks, taken, tenantGuid] = [failures, 'none', undefined];
  });
  beforeAll(async () => {
    const microsoft = {
      ...createEmbeddedMicrosoft(),
      verifyBot: async ({ loginTenant }: BotCredentials) =>
        loginTenant === taken ? [{ step: 'CONNECTOR', passed: true } as const] : checks,
      resolveTenant: async () => tenantGuid,
      groupMembers: async function* () {
        yield { userPrincipalName: 'anna@kohl.example', displayName: 'anna', businessPhones: [] };
      },
    };
    gateway = await createTestGateway({ platforms: { microsoft } });
    provider = await gateway.provider();
    enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    botSid = (await done(provider, 'createBot', newBot(enterpriseSid))).sid;
    mappingSid = (await done(provider, 'createMapping', newMapping(enterpriseSid))).sid;
  });
  afterAll(() => gateway.close());

  test('each cure of a check of a bot has German words', async () => {
    const { data } = await provider.graph(
      'mutation ($sid: ID!) { verifyBot(input: { sid: $sid }) { ... on VerifyBotSuccess { checks { cure } } } }',
      { sid: botSid },
    );
    const cures: (string | null)[] = data.verifyBot.checks.map(({ cure }: { cure: string | null }) => cure);
    const texts = [...new Set(cures.filter((cure) => cure !== null))];
    expect(texts.length).toBeGreaterThan(8);
    for (const text of texts) isGerman(text);
  });

  /** Lets Microsoft be asked about the bot. @returns what is said of each step, and of its health */
  async function messages(): Promise<string[]> {
    const { data } = await provider.graph(
      'mutation ($sid: ID!) { verifyBot(input: { sid: $sid }) { ... on VerifyBotSuccess { checks { step message } } } }',
      { sid: botSid },
    );
    const { data: shown } = await provider.graph('query ($sid: ID!) { bot(sid: $sid) { health { message } } }', { sid: botSid });
    const said = data.verifyBot.checks.filter(({ step }: BotCheck) => step === 'TOKEN' || step === 'CONNECTOR');
    return [...said, shown.bot.health].flatMap(({ message }: { message: string | null }) => message ?? []);
  }

  test('what health says of credentials that end has German words', async () => {
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    await done(provider, 'updateBot', { sid: botSid, dateClientSecretExpires: inDays(10) });
    const tokens: BotCheck[] = [{ step: 'TOKEN', passed: true }];
    checks = tokens;
    const add = async (name: string, input: object) => {
      const { credential } = await mutate({ provider }, name, { sid: botSid, ...input }, 'credential { sid }');
      tokens.push({ step: 'TOKEN', passed: true, credentialSid: credential.sid });
      const said = await messages();
      expect(said).toHaveLength(1);
      for (const text of said) isGerman(text);
      return said[0];
    };
    const { certificate, privateKey } = makeCertificate({ days: 20 });
    expect(inGerman((await messages())[0] ?? '')).toMatch(/^Der geheime Clientschlüssel ••••\S* endet am \d{4}-\d\d-\d\d\.$/);
    await add('addBotSecret', { secret: 'a-second-secret', dateExpires: inDays(15) });
    await add('addBotCertificate', { certificate, privateKey, name: 'Nummer 2' });
    const last = await add('addBotSecret', { secret: 'a-third-secret', dateExpires: '2222-01-01T00:00:00Z' });
    expect(inGerman(last ?? '')).toMatch(
      /^Der geheime .* endet am \S+\. Der Schlüssel .* endet am \S+\. Das Zertifikat Nummer 2 endet am \S+\. Andere Zugangsdaten/,
    );
    for (const { credentialSid } of tokens.slice(1))
      await mutate({ provider }, 'removeBotCredential', { sid: credentialSid }, 'credential { sid }');
  });

  test('what verifyBot says of authorities has German words', async () => {
    checks = [{ step: 'CONNECTOR', passed: false, code: '401', reason: 'BOT_CREDENTIALS', message: 'Nein.' }];
    const withoutHome = await messages();
    const homeTenantId = '88888888-7777-4888-8999-000000000000';
    await done(provider, 'updateBot', { sid: botSid, homeTenantId });
    const withHome = await messages();
    taken = homeTenantId;
    const all = [withoutHome[0], withHome[0], (await messages())[0]];
    expect(all).toEqual(
      ['HOME was not', 'tried: TENANT, HOME, MULTI_TENANT', 'authority HOME'].map((words) => expect.stringContaining(words)),
    );
    for (const text of all) isGerman(text ?? '');
    for (const text of all.slice(0, 2)) expect(inGerman(text ?? '')).toMatch(/ Nein\.$/);
  });

  test('what verifyBot says of a tenant that is given by a domain has German words', async () => {
    await done(provider, 'updateBot', { sid: botSid, tenantId: 'kohl.example' });
    checks = [{ step: 'TOKEN', passed: true }];
    const [unknown = ''] = await messages();
    tenantGuid = '99999999-7777-4888-8999-000000000000';
    const [known = ''] = await messages();
    expect([unknown, known]).toEqual([expect.stringContaining("no tenant's id"), expect.stringContaining(tenantGuid)]);
    for (const text of [unknown, known]) isGerman(text);
  });

  test.each<[string, readonly string[]]>([
    ['none', []],
    ['that to find users', ['User.Read.All']],
    ['all but one', ['TeamsAppInstallation.ReadWriteSelfForUser.All', 'AppCatalog.Read.All', 'GroupMember.Read.All']],
    ['all but those to install', ['GroupMember.Read.All', 'Application.Read.All']],
  ])('permissions that are not granted have German words: granted are %s', (_, granted) => {
    isGerman(lackingPermissions(granted, 'COMMERCIAL').words);
  });

  test.each([
    noResponse('graph.example', new DOMException('late', 'TimeoutError')).message,
    noResponse('graph.example', Object.assign(new Error('no'), { code: 'ECONNREFUSED', syscall: 'connect' })).message,
    noResponse('graph.example', Object.assign(new Error('no'), { code: 'ECONNRESET' })).message,
    microsoftRefusalOf({ host: 'graph.example', status: 502, headers: new Headers(), text: '' }, []).message,
    'The bot has neither a client secret nor a certificate.',
    'The service URL is not on the list of allowed hosts.',
    "The cloud has no connector in common: the user's becomes known when the app is installed for them, or they write to the bot.",
    'Internal error while installing the app',
    'Graph no longer knows the app 1234, or the user is not, or not yet, a user of Microsoft Teams.',
    'The application needs the permission GroupMember.Read.All of Microsoft Graph. Nein.',
    'graph.example responded with status 200 and no members.',
  ])('why Microsoft was not asked, or did not answer, has German words: %s', (text) => isGerman(text));

  test.each([
    "Grant the application the permission User.Read.All of Microsoft Graph, with an administrator's consent.",
    'Grant the application the permission AppCatalog.Read.All of Microsoft Graph, as application permissions. An administrator of the tenant consents at https://login.example/consent',
    'Grant the application the permissions A, B of Microsoft Graph, as application permissions. An administrator of the tenant consents at https://login.example/consent',
  ])('the cure of a permission that is missing has German words, case %#', (text) => isGerman(text));

  /** @returns what the gateway says */
  async function refusalOf(name: string, input: object): Promise<string> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input!`;
    const { data, errors } = await provider.graph(
      `mutation ($input: ${type}) { result: ${name}(input: $input) { __typename ... on Error { message } } }`,
      { input },
    );
    expect(errors).toBeUndefined();
    return data.result.message ?? expect.unreachable(`${name} takes ${JSON.stringify(input)}: ${data.result.__typename}`);
  }

  const [own, other, weak, old] = [makeCertificate(), makeCertificate(), makeCertificate({ bits: 1024 }), makeCertificate({ days: -1 })];
  const long = (length: number) => 'x'.repeat(length);
  test.each<[string, () => object]>([
    ['createEnterprise', () => ({ name: ' ', enterpriseAdmin: { email: '', password: '' } })],
    ['createEnterprise', () => ({ name: 'Kohl', enterpriseAdmin: { email: 'nobody', password: 'a-long-password' } })],
    ['createEnterprise', () => ({ name: long(300), enterpriseAdmin: { email: 'a@b.example', password: 'a-long-password' } })],
    ['createEnterprise', () => ({ name: 'a\0b', enterpriseAdmin: { email: 'a@b.example', password: 'a-long-password' } })],
    ['updateEnterprise', () => ({ sid: enterpriseSid, name: ' ' })],
    ['createMapping', () => ({ enterpriseSid, microsoftAddress: 'anna@kohl.example', externalAddress: 'my phone' })],
    ['createBot', () => ({ ...newBot(enterpriseSid), authority: 'HOME' })],
    ['updateBot', () => ({ sid: botSid, removeClientSecret: true })],
    ['updateBot', () => ({ sid: botSid, removeClientSecret: true, clientSecret: 'a-new-secret' })],
    ['updateBot', () => ({ sid: botSid, clientSecret: '••••cret of another bot' })],
    ['addBotSecret', () => ({ sid: botSid, secret: ' ' })],
    ['addBotCertificate', () => ({ sid: botSid, certificate: 'none', privateKey: own.privateKey })],
    ['addBotCertificate', () => ({ sid: botSid, certificate: own.certificate, privateKey: 'none' })],
    ['addBotCertificate', () => ({ sid: botSid, certificate: own.certificate, privateKey: other.privateKey })],
    ['addBotCertificate', () => ({ sid: botSid, certificate: weak.certificate, privateKey: weak.privateKey })],
    ['addBotCertificate', () => ({ sid: botSid, certificate: old.certificate, privateKey: old.privateKey })],
    ['mappingsFromGroup', () => ({ enterpriseSid, groupId: 'people' })],
    ['mappingsFromGroup', () => ({ enterpriseSid, groupId: '02bd9fd6-8f93-4758-87c3-1fb73740a315' })],
    ['updateTeamsApp', () => ({ shortName: long(31) })],
    ['updateTeamsApp', () => ({ shortName: 'a\tb' })],
    ['updateTeamsApp', () => ({ accentColor: 'blue' })],
    ['updateTeamsApp', () => ({ websiteUrl: 'http://plain.example' })],
    ['updateTeamsApp', () => ({ colorIcon: 'data:image/png;base64,AAAA' })],
    ['updateOrganization', () => ({ accentColor: 'red' })],
    ['updateOrganization', () => ({ logo: 'a picture' })],
    ['createAccount', () => ({ email: 'nobody', permissions: ['READ'] })],
    ['createAccount', () => ({ email: 'somebody@provider.example', permissions: [] })],
    ['createAccessToken', () => ({ permissions: ['READ'], expiresIn: 1 })],
    ['createWebhookEndpoint', () => ({ url: 'http://plain.example' })],
    ['replayWebhookEndpoint', () => ({ sid: `WH${'0'.repeat(32)}` })],
    ['setMessageRetention', () => ({ days: 0 })],
    ['sendMessage', () => ({ mappingSid, to: '+4915112345671', body: long(10_000) })],
    ['exportPerson', () => ({})],
    ['erasePerson', () => ({ phoneNumber: 'my phone' })],
  ])('%s is refused in German, case %#', async (name, input) => {
    isGerman(await refusalOf(name, input()));
  });

  test.each([
    'messages(filter: { body: "ab" }) { nodes { sid } }',
    'enterprises(first: 10, after: "x") { nodes { sid } }',
    'usage(from: "2026-02-01T00:00:00Z", to: "2026-01-01T00:00:00Z", granularity: DAY) { messages }',
    'usage(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z", granularity: DAY, timeZone: "Mars") { messages }',
  ])('%s is refused in German', async (field) => {
    const { errors } = await provider.graph(`{ ${field} }`);
    isGerman(errors?.[0]?.message ?? expect.unreachable());
  });

  test.each([
    [''],
    ['microsoftAddress,externalAddress\r\n'],
    ['name,externalAddress\r\na,+4930111'],
    ['name,name,microsoftAddress,externalAddress\r\na,b,c@kohl.example,+4930111'],
    ['microsoftAddress,externalAddress\r\na@kohl.example'],
    ['microsoftAddress,externalAddress\r\n"a@kohl.example,+4930111'],
    ['microsoftAddress,externalAddress\r\na"b"c,+4930111'],
    ['{"microsoftAddress":"a@kohl.example"'],
    ['{"microsoftAddress":{},"externalAddress":"+4930111"}'],
    ['{"microsoftAddress":"a\\u0000b","externalAddress":"+4930111"}'],
    [`{"microsoftAddress":"${long(5000)}","externalAddress":"+4930111"}`],
    [Buffer.from('microsoftAddress,externalAddress\r\nmüller@kohl.example,+4930111', 'latin1')],
  ])('a file is refused in German, case %#', async (body) => {
    const { data } = await provider.graph(
      'mutation ($input: ImportMappingsInput!) { importMappings(input: $input) { ... on ImportMappingsSuccess { uploadUrl } } }',
      { input: { enterpriseSid } },
    );
    const response = await gateway.fetch(new Request(data.importMappings.uploadUrl, { method: 'PUT', body }));
    expect(response.status).toBe(400);
    isGerman((await response.json()).message);
  });
});
