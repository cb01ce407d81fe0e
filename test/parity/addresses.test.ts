import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Provider, TestGateway } from '../support/gateway.ts';
import type { RecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, expectRefusal, fresh, inGraph, newBot, newEnterprise, newMapping } from './faces.ts';
import { createTwoProviders } from './two-providers.ts';

// REST.md's errors about numbers and Microsoft addresses, each through both faces.

let restcomm: RecordingRestcomm;
let gateway: TestGateway;
let provider: Provider;
let other: Provider;
let kohl: string;
beforeAll(async () => {
  ({ restcomm, gateway, provider, other, kohl } = await createTwoProviders());
});
afterAll(() => gateway.close());

describe('482, a number that is mapped', () => {
  test('across organizations, in any notation, by a new mapping and by a change', async () => {
    const enterpriseSid = (await done(other, 'createEnterprise', newEnterprise())).sid;
    const { externalAddress } = await done(other, 'createMapping', newMapping(enterpriseSid));
    const digits = externalAddress.slice(1);
    const { sid } = await done(provider, 'createMapping', newMapping(kohl));
    restcomm.reset();
    for (const number of [externalAddress, digits, `00${digits}`, `+${digits.slice(0, 2)} (${digits.slice(2, 4)}) ${digits.slice(4)}`]) {
      const expected = { value: number, path: ['externalAddress'] };
      await expectRefusal(
        provider,
        'createMapping',
        newMapping(kohl, { externalAddress: number }),
        'EXTERNAL_ADDRESS_NOT_UNIQUE',
        expected,
      );
      await expectRefusal(provider, 'updateMapping', { sid, externalAddress: number }, 'EXTERNAL_ADDRESS_NOT_UNIQUE', expected);
    }
    expect(restcomm.calls).toEqual([]);
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
  });

  test('a mapping’s own number may be written differently, and a deleted one is free', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(kohl));
    restcomm.reset();
    expect((await done(provider, 'updateMapping', { sid, externalAddress: externalAddress.slice(1) })).externalAddress).toBe(
      externalAddress.slice(1),
    );
    expect(restcomm.calls).toEqual([]);
    await done(provider, 'deleteMapping', { sid });
    await done(other, 'createMapping', newMapping((await done(other, 'createEnterprise', newEnterprise())).sid, { externalAddress }));
  });

  test('one Microsoft address may have several numbers', async () => {
    const microsoftAddress = fresh.user();
    const enterprise = { microsoftAddress };
    const [one, two] = [newMapping(kohl, enterprise), newMapping(kohl, enterprise)];
    await done(provider, 'createMapping', one);
    await done(provider, 'createMapping', two);
  });
});

describe('485, a Microsoft address', () => {
  const refuse = (input: Record<string, unknown>, value: string) =>
    expectRefusal(
      provider,
      'sid' in input ? 'updateMapping' : 'createMapping',
      { ...input, microsoftAddress: value },
      'MICROSOFT_ADDRESS_INVALID',
      {
        value,
        path: ['microsoftAddress'],
      },
    );

  test('that is malformed', async () => {
    const { sid } = await done(provider, 'createMapping', newMapping(kohl));
    for (const address of ['kohl', 'ann@', '@kohl.example', 'ann@kohl', 'ann lee@kohl.example', 'a@b@kohl.example', '12345678-1234']) {
      await refuse(newMapping(kohl), address);
      await refuse({ sid }, address);
    }
  });

  test("that is not a user of the tenant of the enterprise's bot, once it has one", async () => {
    const enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    const before = await done(provider, 'createMapping', newMapping(enterpriseSid, { microsoftAddress: 'ann@other.invalid' }));
    await done(provider, 'createBot', newBot(enterpriseSid));
    await refuse(newMapping(enterpriseSid), 'ben@other.invalid');
    await refuse({ sid: before.sid }, 'ben@other.invalid');
    // What was mapped before stays usable, but can't move to another enterprise with a bot.
    expect((await done(provider, 'updateMapping', { sid: before.sid, name: 'Ann' })).name).toBe('Ann');
    const withBot = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    await done(provider, 'createBot', newBot(withBot));
    const expected = { value: 'ann@other.invalid', path: ['microsoftAddress'] };
    await expectRefusal(provider, 'updateMapping', { sid: before.sid, enterpriseSid: withBot }, 'MICROSOFT_ADDRESS_INVALID', expected);
  });

  test('enables no number', async () => {
    restcomm.reset();
    await inGraph(provider, 'createMapping', newMapping(kohl, { microsoftAddress: 'malformed' }));
    expect(restcomm.calls).toEqual([]);
  });
});
