import { describe, expect, test } from 'vitest';
import { createEmbeddedMicrosoft } from '../../../src/platforms/microsoft/embedded.ts';

const microsoft = createEmbeddedMicrosoft();
const bot = { applicationId: 'application', tenantId: 'tenant', clientSecret: 'secret' };

async function conversationWith(address: string) {
  const user = await microsoft.findUser(bot, address);
  if (!user) return expect.unreachable(`${address} is a user`);
  return microsoft.openConversation(bot, user);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('the stand-in for Microsoft', () => {
  test('knows every well-formed address as one user of the tenant, in any case', async () => {
    const user = await microsoft.findUser(bot, 'Sunny@Solutions.example');
    expect(user).toEqual({ objectId: expect.stringMatching(uuid) });
    expect((await microsoft.findUser(bot, 'sunny@solutions.example'))?.objectId).toBe(user?.objectId);
    expect((await microsoft.findUser({ ...bot, tenantId: 'other' }, 'sunny@solutions.example'))?.objectId).not.toBe(user?.objectId);
  });

  test('finds a user by object id', async () => {
    const objectId = 'c526826c-e510-49e1-ab76-2095b33464f2';
    expect(await microsoft.findUser(bot, objectId.toUpperCase())).toMatchObject({ objectId });
  });

  test.each(['sunny@solutions.invalid', 'sunny', '@solutions.example', 'a b@solutions.example'])('knows no user %s', async (address) => {
    expect(await microsoft.findUser(bot, address)).toBeUndefined();
  });

  test.each(['applicationId', 'tenantId', 'clientSecret'])('refuses a bot whose %s is invalid, in Microsoft’s words', async (field) => {
    await expect(microsoft.findUser({ ...bot, [field]: 'invalid' }, 'sunny@solutions.example')).rejects.toThrow(/^AADSTS\d+: /);
  });

  test('accepts every text, in one conversation of a bot and a user', async () => {
    const conversation = await conversationWith('ann@contoso.example');
    expect(await conversationWith('Ann@contoso.example')).toEqual(conversation);
    expect(await conversationWith('bob@contoso.example')).not.toEqual(conversation);
    const one = await microsoft.sendActivity(bot, conversation, 'hello');
    const two = await microsoft.sendActivity(bot, conversation, 'hello');
    expect(one.activityId).not.toBe(two.activityId);
  });

  test.each([
    ['blocked.example', { outcome: 'refused', code: 'ConversationBlockedByUser' }],
    ['busy.example', { outcome: 'retry', code: 'Throttled', retryAfterMs: 1000 }],
  ])('accepts no text for users at %s', async (domain, refusal) => {
    await expect(microsoft.sendActivity(bot, await conversationWith(`ann@${domain}`), 'hello')).rejects.toMatchObject(refusal);
  });

  test.each([
    ['applicationId', 'AADSTS700016'],
    ['tenantId', 'AADSTS90002'],
    ['clientSecret', 'AADSTS7000215'],
  ])('refuses everything to a bot whose %s is invalid', async (field, code) => {
    const wrong = { ...bot, [field]: 'invalid' };
    const conversation = await conversationWith('ann@contoso.example');
    await expect(microsoft.findUser(wrong, 'ann@contoso.example')).rejects.toMatchObject({ code: 'PLATFORM_ERROR' });
    await expect(microsoft.openConversation(wrong, { objectId: 'x' })).rejects.toMatchObject({ outcome: 'curable', code });
    await expect(microsoft.sendActivity(wrong, conversation, 'hello')).rejects.toMatchObject({ outcome: 'curable', code });
    const checks = await microsoft.verifyBot(wrong);
    expect(checks.map(({ step, passed }) => [step, passed])).toEqual([
      ['TOKEN', false],
      ['GRAPH', false],
      ['CONNECTOR', false],
    ]);
  });

  test('passes every other bot', async () => {
    expect((await microsoft.verifyBot(bot)).every(({ passed }) => passed)).toBe(true);
  });
});
