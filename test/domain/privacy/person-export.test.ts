import { beforeAll, describe, expect, test } from 'vitest';
import { newSid } from '../../../src/domain/values/sid.ts';
import { unknownSid } from '../../parity/faces.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { type Graph, PHONE, privacyWorld } from './privacy-world.ts';

const people = privacyWorld();
const { world, mutate } = people;

let gateway: TestGateway;
beforeAll(() => {
  ({ gateway } = people);
});

describe('exportPerson', () => {
  const download = async (by: Graph, input: object) => {
    const { url, code } = await mutate(by, 'exportPerson', input, 'url');
    if (!url) return code;
    const response = await gateway.fetch(new Request(url));
    const text = await response.text();
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };

  test('downloads the messages and conversations of a phone, and the mapping of a Teams user', async () => {
    const [{ provider, from }, stranger] = [await world(), await gateway.provider()];
    await from.send({ body: 'not theirs' });
    const sids = [
      await from.send({ to: PHONE, body: 'Hi' }),
      await from.send({ direction: 'OUTBOUND', from: PHONE, to: 'ann@e.example', body: 'Ho' }),
    ];
    const lines = await download(provider, { phoneNumber: '15550111' });
    expect(lines.map(({ record, sid, phone }: Record<string, string>) => [record, record === 'message' ? sid : phone])).toEqual([
      ...[
        ['conversation', PHONE],
        ['message', sids[1]],
        ['message', sids[0]],
      ],
    ]);
    expect(lines[1]).toMatchObject({
      body: 'Ho',
      from: PHONE,
      to: 'ann@e.example',
      direction: 'OUTBOUND',
      enterpriseSid: from.enterpriseSid,
    });
    const { prisma } = gateway.database;
    const { microsoftAddress } = await prisma.mapping.findUniqueOrThrow({ where: { sid: from.mappingSid } });
    const { organizationSid, accountSid } = provider;
    const { enterpriseSid, mappingSid } = from;
    const objectId = '6f1f7c1e-0000-4000-8000-000000000003';
    const user = { organizationSid, enterpriseSid, objectId };
    await prisma.teamsInstallation.create({ data: user });
    await prisma.teamsConversation.create({ data: { ...user, lastNumber: PHONE } });
    const link = { microsoftTenantId: 'a-tenant', microsoftObjectId: objectId, dateMicrosoftLinked: new Date() };
    const email = { email: 'admin@x.example', emailFolded: 'admin@x.example' };
    await prisma.enterpriseAdmin.create({ data: { organizationSid, enterpriseSid, accountSid, sid: newSid('RCS'), ...email, ...link } });
    const place = { conversationId: 'a:3', serviceUrl: 'https://x', activityId: '3', body: 'held', expires: new Date() };
    await prisma.heldText.create({ data: { ...user, ...place, sid: 'HT3', choices: [{ number: PHONE, mappingSid, body: 'held' }] } });
    const released = { organizationSid, enterpriseSid, accountSid, sid: newSid('BE'), externalAddress: '+15550188' };
    await prisma.releasedMapping.create({ data: { ...released, microsoftAddress: microsoftAddress.toUpperCase() } });
    const records = async (input: object) => (await download(provider, input)).map(({ record }: { record: string }) => record);
    expect(await records({ microsoftAddress, microsoftObjectId: objectId })).toEqual([
      ...['mapping', 'releasedMapping', 'teamsConversation', 'teamsInstallation', 'heldText', 'enterpriseAdmin', 'message', 'message'],
    ]);
    expect(await records({ microsoftAddress })).toEqual(['mapping', 'releasedMapping', 'message', 'message']);
    expect(await records({ phoneNumber: PHONE })).toEqual(['conversation', 'teamsConversation', 'heldText', 'message', 'message']);
    expect(await download(stranger, { phoneNumber: PHONE })).toEqual([]);
    expect(await download(provider, { phoneNumber: PHONE, enterpriseSid: unknownSid('EN') })).toBe('ENTERPRISE_NOT_FOUND');
    expect(await download(provider, {})).toBe('INVALID_PARAMETER');
  });
});
