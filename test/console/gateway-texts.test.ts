import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inGerman } from '../../src/console/words/gateway-texts.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { type BotCheck, botCheckSteps, botFaults } from '../../src/platforms/microsoft/microsoft.ts';
import { done, newBot, newEnterprise, newMapping } from '../parity/faces.ts';
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

describe('what the gateway refuses of what a page asks it', () => {
  let gateway: TestGateway;
  let provider: Provider;
  let enterpriseSid: string;
  let botSid: string;
  let mappingSid: string;
  /** What Microsoft says of a bot: each step fails in each way. */
  const codes = [undefined, 'AppNotInCatalog', 'AppNotPublished', 'AppOutdated', 'AppNotInstalled', 'BotAppIdInvalid', 'UserUnknown'];
  const failures = botCheckSteps.flatMap((step): BotCheck[] =>
    [...codes, 'AADSTS7000215'].flatMap((code) => [undefined, ...botFaults].map((reason) => ({ step, passed: false, code, reason }))),
  );
  beforeAll(async () => {
    const microsoft = {
      ...createEmbeddedMicrosoft(),
      verifyBot: async () => failures,
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
