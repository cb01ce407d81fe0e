import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { done, faces, inRest, newBot, newEnterprise } from './faces.ts';

// A hint is for recognizing a secret, not for reading it: of a short one, it shows no more than half.

let gateway: TestGateway;
let provider: Provider;
beforeAll(async () => {
  gateway = await createTestGateway({ restBotSecrets: 'masked' });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

const secrets: readonly [secret: string, hint: string][] = [
  ['1', ''],
  ['12', '2'],
  ['123', '3'],
  ['1234', '34'],
  ['234234', '234'],
  ['1234567', '567'],
  ['12345678', '5678'],
  ['-h476O9J-hlo0X1~I_a7oUY746t_ynhcz4', 'hcz4'],
  ['\u{1f511}\u{1f511}', '\u{1f511}'],
  [' spaces ', 'es '],
];

describe.each(faces)('on %s', (face) => {
  test.each(secrets)('the hint of %j is %j, and its mask leaves it as it is', async (clientSecret, end) => {
    const hint = clientSecret.startsWith(' ') ? Array.from(clientSecret).slice(-4).join('') : end;
    const enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    const input = newBot(enterpriseSid, { clientSecret });
    const sid =
      face === 'REST'
        ? String((await inRest(provider, 'createBot', input)).body.data?.sid)
        : (await done(provider, 'createBot', input)).sid;
    const mask = `••••${hint}`;
    const shown = await provider.rest.get(`/msteams/teamsbot/search/${sid}`);
    expect(shown.body.data).toMatchObject({ clientSecret: mask, clientsecret: mask });
    for (const again of [mask, clientSecret]) {
      if (face === 'REST') expect((await inRest(provider, 'updateBot', { sid, clientSecret: again })).status).toBe(200);
      else await done(provider, 'updateBot', { sid, clientSecret: again });
    }
    const { bot } = (await provider.graph(`{ bot(sid: "${sid}") { clientSecret clientSecretHint } }`)).data;
    expect(bot).toEqual({ clientSecret, clientSecretHint: hint });
  });

  test('the mask of a former secret does not replace the present one', async () => {
    const enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    const { sid } = await done(provider, 'createBot', newBot(enterpriseSid, { clientSecret: 'a-secret-of-before-1111' }));
    await done(provider, 'updateBot', { sid, clientSecret: 'the-present-secret-2222' });
    for (const clientSecret of ['••••1111', '••••', ' ••••2']) {
      if (face === 'REST') expect((await inRest(provider, 'updateBot', { sid, clientSecret })).body).toMatchObject({ errorCode: '450' });
      else {
        const mutation = `mutation { updateBot(input: { sid: "${sid}", clientSecret: "${clientSecret}" }) { ... on Error { code path } } }`;
        expect((await provider.graph(mutation)).data.updateBot).toEqual({ code: 'INVALID_PARAMETER', path: ['clientSecret'] });
      }
    }
    expect((await provider.graph(`{ bot(sid: "${sid}") { clientSecret } }`)).data.bot.clientSecret).toBe('the-present-secret-2222');
  });
});
