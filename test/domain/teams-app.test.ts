import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ManifestUtil, type TeamsManifest } from '@microsoft/app-manifest';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { colorIcon, outlineIcon } from '../../src/domain/teams-app/icons.ts';
import { sizeOfPng, writePng } from '../../src/domain/teams-app/png.ts';
import { done, newBot, newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

const APPLICATION = '5a3c7f52-0b5c-4b43-8f0a-2f6f4b1f9d11';
let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;
let sid: string;

beforeAll(async () => {
  gateway = await createTestGateway({ publicUrl: 'https://sms.example.com' });
  provider = await gateway.provider();
  ({ sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise()));
  ({ sid } = await done(provider, 'createBot', { ...newBot(enterpriseSid), applicationId: APPLICATION.toUpperCase() }));
});
afterAll(() => gateway.close());

const PACKAGE = 'query ($sid: ID!) { bot(sid: $sid) { appPackage { url version dateExpires } } }';

async function appPackage(botSid = sid) {
  const { data, errors } = await provider.graph(PACKAGE, { sid: botSid });
  expect(errors).toBeUndefined();
  return data.bot.appPackage as { url: string; version: string };
}

async function download(url: string) {
  const response = await gateway.fetch(new Request(url));
  return { response, files: response.ok ? unzipSync(new Uint8Array(await response.arrayBuffer())) : {} };
}

async function content(botSid = sid) {
  const { url, version } = await appPackage(botSid);
  const { response, files } = await download(url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/zip');
  const manifest = JSON.parse(Buffer.from(files['manifest.json'] ?? []).toString('utf8'));
  expect(manifest.version).toBe(version);
  return { files, manifest, version };
}

async function update(input: object, { graph }: Pick<Provider, 'graph'> = provider) {
  const document = `mutation ($input: UpdateTeamsAppInput!) { updateTeamsApp(input: $input) { __typename
    ... on UpdateTeamsAppSuccess { teamsApp { shortName accentColor developerName welcome consoleTab } } ... on Error { code path } } }`;
  const { data, errors } = await graph(document, { input });
  return errors ? { code: errors[0]?.extensions?.code } : data.updateTeamsApp;
}

/** Microsoft's own verdict on a manifest or a translation, by the schema in its package. */
async function problems(file: TeamsManifest, schemaName = 'MicrosoftTeams.schema.json', { manifestVersion } = file): Promise<string[]> {
  const schemas = join(packageRoot(), 'node_modules/@microsoft/app-manifest/build/json-schemas/teams');
  const { default: schema } = await import(join(schemas, `v${manifestVersion}/${schemaName}`), {
    with: { type: 'json' },
  });
  // A pattern of its translations has a bracket that is only valid without the flag u.
  const valid = JSON.parse(JSON.stringify(schema).replaceAll(String.raw`\\b]`, String.raw`\\b\\]`));
  return ManifestUtil.validateManifestAgainstSchema(file, valid);
}

describe('the app package', () => {
  test("is a zip with a manifest that is valid by Microsoft's schema, and icons in both sizes", async () => {
    const { manifest, files } = await content();
    expect(await problems(manifest)).toEqual([]);
    expect(await problems({ ...manifest, accentColor: 'blue' })).not.toEqual([]);
    expect(manifest).toMatchObject({
      manifestVersion: '1.30',
      id: APPLICATION,
      bots: [{ botId: APPLICATION, scopes: ['personal'], isNotificationOnly: false, supportsFiles: false }],
      webApplicationInfo: { id: APPLICATION, resource: `api://sms.example.com/botid-${APPLICATION}` },
      validDomains: ['sms.example.com'],
    });
    expect(manifest.$schema).toContain(`/v${manifest.manifestVersion}/`);
    const sizes = ['color.png', 'outline.png'].map((name) => sizeOfPng(Buffer.from(files[name] ?? [])));
    expect(sizes).toEqual([
      { width: 192, height: 192 },
      { width: 32, height: 32 },
    ]);
    const german = JSON.parse(Buffer.from(files['de.json'] ?? []).toString('utf8'));
    expect(german['bots[0].commandLists[0].commands[0].description']).toMatch(/SMS/);
    expect(german).toMatchObject({ 'name.short': manifest.name.short, 'name.full': manifest.name.full });
    const translation = (file: object) => problems(file as TeamsManifest, 'MicrosoftTeams.Localization.schema.json', manifest);
    expect(await translation(german)).toEqual([]);
    const { 'description.full': _, ...lacking } = german;
    expect(await translation(lacking)).not.toEqual([]);
  });

  // docs/microsoft.md says so of clouds that do not accept the current version.
  test('needs nothing of the schema that came after version 1.16', async () => {
    await update({ consoleTab: true });
    const { manifest, files } = await content();
    const german = JSON.parse(Buffer.from(files['de.json'] ?? []).toString('utf8'));
    const manifestVersion = '1.16';
    expect(manifest.staticTabs).toHaveLength(1);
    expect(await problems({ ...manifest, manifestVersion })).toEqual([]);
    expect(await problems(german, 'MicrosoftTeams.Localization.schema.json', { manifestVersion } as TeamsManifest)).toEqual([]);
    await update({ consoleTab: false });
  });

  test('suggests how to write, in both languages, and nothing that the bot would send', async () => {
    const { manifest, files } = await content();
    const [{ commandLists }] = manifest.bots;
    expect(commandLists).toEqual([
      {
        scopes: ['personal'],
        commands: [
          { title: '+<number> <text>', description: 'Send an SMS to a number' },
          { title: 'from +<number> +<number> <text>', description: 'Send an SMS from one of your numbers' },
        ],
      },
    ]);
    const german = JSON.parse(Buffer.from(files['de.json'] ?? []).toString('utf8'));
    const descriptions = commandLists[0].commands.map(
      (_: object, at: number) => german[`bots[0].commandLists[0].commands[${at}].description`],
    );
    expect(descriptions).toEqual(['Eine SMS an eine Nummer senden', 'Eine SMS von einer Ihrer Nummern senden']);
  });

  test("has the gateway's address for each link of the developer that is not set", async () => {
    const { manifest } = await content();
    const home = 'https://sms.example.com/';
    expect(manifest.developer).toEqual({ name: provider.email.slice(0, 32), websiteUrl: home, privacyUrl: home, termsOfUseUrl: home });
    const privacyUrl = 'https://provider.example/privacy';
    await update({ privacyUrl });
    expect((await content()).manifest.developer).toMatchObject({ websiteUrl: home, privacyUrl, termsOfUseUrl: home });
    await update({ privacyUrl: '' });
    expect((await content()).manifest.developer).toEqual(manifest.developer);
  });

  test('has a version that rises with what is in it, and only then', async () => {
    const first = await content();
    expect((await content()).version).toBe(first.version);
    expect(await update({ shortName: 'Texts', accentColor: '#AB12CD', consoleTab: true })).toMatchObject({
      teamsApp: { shortName: 'Texts', accentColor: '#ab12cd', consoleTab: true },
    });
    const second = await content();
    expect(Number(second.version.split('.')[1])).toBe(Number(first.version.split('.')[1]) + 1);
    expect(second.manifest).toMatchObject({ name: { short: 'Texts' }, accentColor: '#ab12cd', staticTabs: [{ entityId: 'console' }] });
    expect(await problems(second.manifest)).toEqual([]);
    expect(Buffer.from(second.files['color.png'] ?? [])).toEqual(colorIcon('#ab12cd'));
    await update({ welcome: false });
    expect((await content()).version).toBe(second.version);
  });

  const picture = (size: number, red = 0) => `data:image/png;base64,${writePng(size, () => [red, 90, 200, 255]).toString('base64')}`;
  test.each([
    ['shortName', 'Kurz'],
    ['fullName', 'SMS by somebody else'],
    ['shortDescription', 'Texts, in Teams.'],
    ['fullDescription', 'Texts, in a chat of Teams.'],
    ['developerName', 'Nordlicht'],
    ['accentColor', '#123456'],
    ['colorIcon', picture(192)],
    ['outlineIcon', picture(32)],
    ['websiteUrl', 'https://nordlicht.example'],
    ['privacyUrl', 'https://nordlicht.example/privacy'],
    ['termsOfUseUrl', 'https://nordlicht.example/terms'],
    ['consoleTab', false],
  ])('a new %s makes a new version, which is valid; the same one again does not', async (field, value) => {
    const before = await content();
    expect(await update({ [field]: value })).toMatchObject({ __typename: 'UpdateTeamsAppSuccess' });
    const after = await content();
    expect(Number(after.version.split('.')[1])).toBe(Number(before.version.split('.')[1]) + 1);
    expect(await problems(after.manifest)).toEqual([]);
    await update({ [field]: value });
    expect((await content()).version).toBe(after.version);
  });

  test('each enterprise can have a look of its own: names, developer, colours and icons', async () => {
    const own = await done(provider, 'createEnterprise', newEnterprise());
    const bot = await done(provider, 'createBot', { ...newBot(own.sid), applicationId: randomUUID() });
    const before = await content();
    const look = {
      shortName: 'Kohl SMS',
      fullName: 'SMS at Kohl',
      developerName: 'Kohl',
      websiteUrl: 'https://kohl.example',
      accentColor: '#a01c5c',
    };
    expect(await update({ enterpriseSid: own.sid, ...look, colorIcon: picture(192, 160) })).toMatchObject({
      __typename: 'UpdateTeamsAppSuccess',
    });
    const { files, manifest } = await content(bot.sid);
    expect(await problems(manifest)).toEqual([]);
    expect(manifest).toMatchObject({
      ...{ name: { short: 'Kohl SMS', full: 'SMS at Kohl' }, accentColor: '#a01c5c' },
      developer: { name: 'Kohl', websiteUrl: 'https://kohl.example' },
    });
    expect(manifest.developer.privacyUrl).toBe(before.manifest.developer.privacyUrl);
    expect(Buffer.from(files['color.png'] ?? []).toString('base64')).toBe(picture(192, 160).split(',')[1]);
    // The others' stay as they are.
    expect(await content()).toEqual(before);
    await done(provider, 'deleteBot', { sid: bot.sid });
  });

  test("an enterprise's settings come before the organization's, which come before the defaults", async () => {
    const red = `data:image/png;base64,${writePng(32, () => [255, 0, 0, 255]).toString('base64')}`;
    await update({ shortName: 'Ours', developerName: 'Provider' });
    expect(await update({ enterpriseSid, shortName: 'Theirs', outlineIcon: red })).toMatchObject({
      teamsApp: { shortName: 'Theirs', developerName: 'Provider' },
    });
    const { manifest, files } = await content();
    expect(manifest).toMatchObject({ name: { short: 'Theirs' }, developer: { name: 'Provider' } });
    expect(Buffer.from(files['outline.png'] ?? [])).not.toEqual(outlineIcon());
    expect(await update({ enterpriseSid, shortName: '' })).toMatchObject({ teamsApp: { shortName: 'Ours' } });
  });

  test.each([
    ['shortName', 'x'.repeat(31)],
    ['accentColor', 'blue'],
    ['websiteUrl', 'http://plain.example'],
    ['colorIcon', `data:image/png;base64,${outlineIcon().toString('base64')}`],
  ])('refuses %s %.20s', async (field, value) => {
    expect(await update({ [field]: value })).toMatchObject({ code: 'INVALID_PARAMETER', path: [field] });
  });

  test('a new bot of the same application continues the versions; those of many bots are read together', async () => {
    const { version } = await content();
    await done(provider, 'deleteBot', { sid });
    ({ sid } = await done(provider, 'createBot', { ...newBot(enterpriseSid), applicationId: APPLICATION }));
    expect((await content()).version).toBe(version);
    await update({ enterpriseSid, fullName: 'Another' });
    expect((await content()).version).toBe(`1.${Number(version.split('.')[1]) + 1}.0`);
    const { sid: other } = await done(provider, 'createEnterprise', newEnterprise());
    await done(provider, 'createBot', { ...newBot(other), applicationId: APPLICATION });
    const { data } = await provider.graph('{ bots(first: 10) { nodes { sid appPackage { version } } } }');
    const versions = data.bots.nodes.map((bot: { appPackage: { version: string } }) => Number(bot.appPackage.version.split('.')[1]));
    expect(versions.sort()).toEqual([1, 2].map((more) => Number(version.split('.')[1]) + more));
  });

  test('is for those who may see the bot; how it looks is for the provider', async () => {
    const stranger = await gateway.provider();
    expect((await stranger.graph(PACKAGE, { sid })).data.bot).toBeNull();
    expect(await update({ enterpriseSid, shortName: 'Mine' }, stranger)).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND' });
    const look = 'query ($enterpriseSid: ID) { __typename teamsApp(enterpriseSid: $enterpriseSid) { shortName } }';
    expect((await provider.graph(look, { enterpriseSid })).data.teamsApp).toEqual({ shortName: 'Ours' });
    for (const [as, sid] of [
      [stranger, enterpriseSid],
      [provider, `EN${'0'.repeat(32)}`],
    ] as const)
      expect(await as.graph(look, { enterpriseSid: sid })).toMatchObject({
        data: { __typename: 'Query', teamsApp: null },
        errors: [{ extensions: { code: 'ENTERPRISE_NOT_FOUND' } }],
      });
    const { url } = await appPackage();
    expect((await download(url.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))).response.status).toBe(404);
    await done(provider, 'deleteBot', { sid });
    expect((await download(url)).response.status).toBe(404);
  });

  test('there is none for an application whose id Teams does not take', async () => {
    const { sid: other } = await done(provider, 'createBot', { ...newBot(enterpriseSid), applicationId: 'app' });
    expect((await provider.graph(PACKAGE, { sid: other })).data.bot).toEqual({ appPackage: null });
  });
});
