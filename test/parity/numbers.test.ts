import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCursor } from '../../src/domain/lists/cursors.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { anySpelling, phones, plainSpelling } from '../support/phone-spellings.ts';
import { createRecordingRestcomm, type RecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, expectRefusal, faces, fresh, newEnterprise, newMapping, outcome } from './faces.ts';

// A phone is one, however its number is written: on both faces, in filters, in what is unique, and in the conversation that keeps its order.

let restcomm: RecordingRestcomm;
let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;
let mappingSid: string;

beforeAll(async () => {
  restcomm = createRecordingRestcomm();
  gateway = await createTestGateway({ platforms: { restcomm } });
  provider = await gateway.provider();
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  mappingSid = (await done(provider, 'createMapping', newMapping(enterpriseSid, { externalAddress: '+4930123451' }))).sid;
});
afterAll(() => gateway.close());

/** An SMS by the platform's webhook. */
async function receive(from: string): Promise<void> {
  const form = new URLSearchParams({ SmsSid: `SM${randomBytes(16).toString('hex')}`, From: from, To: '+4930123451', Body: 'Hello' });
  const { status } = await gateway.fetch(new Request(restcomm.smsUrl('4930123451') ?? '', { method: 'POST', body: form }));
  expect(status).toBe(200);
}

const SEND =
  'mutation ($input: SendMessageInput!) { sent: sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid to } } ... on Error { code path } } }';
const send = async (to: string) => {
  const { sent } = (await provider.graph(SEND, { input: { mappingSid, to, body: 'Hello' } })).data;
  return sent.sentMessage ?? sent;
};

/** The texts in a column of what both faces find. */
async function found(list: 'messages' | 'mappings', parameter: string, text: string): Promise<string[]> {
  const type = list === 'messages' ? 'MessageFilter' : 'MappingFilter';
  const { data, errors } = await provider.graph(
    `query ($filter: ${type}) { list: ${list}(first: 100, filter: $filter) { totalCount nodes { ${parameter} } } }`,
    { filter: { [parameter]: text } },
  );
  expect(errors, text).toBeUndefined();
  const query = new URLSearchParams({ pageSize: '1000', [parameter]: text });
  const { body } = await provider.rest.get<{ total: number; result: Record<string, string>[] }>(`/msteams/${list}/search?${query}`);
  expect(body.data?.total, text).toBe(data.list.totalCount);
  const values = body.data?.result.map((row) => row[parameter] ?? '') ?? [];
  expect(values.slice(0, 100)).toEqual(data.list.nodes.map((node: Record<string, string>) => node[parameter]));
  return values;
}

const oneNumber = <Other>(spelling: (number: string) => fc.Arbitrary<Other>) =>
  phones.chain((number) =>
    fc.record({ number: fc.constant(number), stored: spelling(number), asked: spelling(number), length: fc.integer({ min: 1, max: 15 }) }),
  );

describe('a message', () => {
  test('is found by its phone in any notation, and by any beginning, and shows it as received', async () => {
    await fc.assert(
      fc.asyncProperty(oneNumber(anySpelling), async ({ number, stored, asked, length }) => {
        await receive(stored);
        const beginning = number.slice(1, length + 1);
        for (const text of [
          asked,
          number,
          `00${number.slice(1)}`,
          `+${beginning}`,
          beginning,
          `00${beginning}`,
          `%2B${beginning}`,
          ` +${beginning}`,
        ])
          expect(await found('messages', 'from', text), text).toContain(stored.trim());
      }),
      { numRuns: 8 },
    );
  });

  test('is sent to a phone in one conversation, which keeps its order', async () => {
    const { prisma } = gateway.database;
    await fc.assert(
      fc.asyncProperty(oneNumber(anySpelling), async ({ number, stored, asked }) => {
        const sids: string[] = [];
        for (const to of [stored, number, asked, `00${number.slice(1)}`]) {
          const sent = await send(to);
          expect(sent).toEqual({ sid: expect.any(String), to: to.trim() });
          sids.push(sent.sid);
        }
        const rows = await prisma.outbox.findMany({ where: { messageSid: { in: sids } }, orderBy: { seq: 'asc' } });
        expect(rows.map(({ messageSid }) => messageSid)).toEqual(sids);
        expect(new Set(rows.map(({ lane }) => lane))).toEqual(new Set([`sms:4930123451:${number.slice(1)}`]));
        expect((await found('messages', 'to', asked)).length).toBeGreaterThanOrEqual(4);
      }),
      { numRuns: 6 },
    );
  });

  test('from the stand-in’s phone goes to a mapped number in any spelling', async () => {
    const app = gateway.another({ embedded: { carrier: true, teams: true } });
    const authorization = `Basic ${Buffer.from(`${provider.accountSid}:${provider.authToken}`).toString('base64')}`;
    for (const to of ['+4930123451', '004930123451', '+49 (30) 123-451', 'tel:+4930123451', '4930123451']) {
      const body = JSON.stringify({ from: '+1 571 2101299', to, body: `to ${to}` });
      const headers = { authorization, 'content-type': 'application/json' };
      const request = new Request('http://gateway.test/stand-in/sms', { method: 'POST', headers, body });
      expect((await app.fetch(request, { remoteAddress: '127.0.0.1' })).status, to).toBe(200);
    }
    expect(await found('messages', 'from', '001 571 2101299')).toEqual(Array(5).fill('+1 571 2101299'));
  });

  test('to a national number is in the conversation of its international one', async () => {
    const sids = [(await send('01701234567')).sid, (await send('+49 170 1234567')).sid];
    const rows = await gateway.database.prisma.outbox.findMany({ where: { messageSid: { in: sids } } });
    expect(rows.map(({ lane }) => lane)).toEqual(Array(2).fill('sms:4930123451:491701234567'));
  });

  test('is not sent to an invalid number', async () => {
    for (const to of ['AMAZON', '+49 170', '030 1234567', 'tel:', 'tel:12', 'ann@kohl.example', '+1 571 210 1234 ext. 5', '1'.repeat(19)])
      expect(await send(to), to).toEqual({ code: 'INVALID_PARAMETER', path: ['to'] });
  });

  test.each([
    ['AMAZON', 'ama', 'Amaz', 'AMAZON'],
    ['1-800-FLOWERS', '1-800', '1-800-f', '1-8'],
    ['3 Store', '3', '3 s', '3 STORE'],
    ['00Agent', '00', '00a', '00AGENT'],
    ['+plus', '+', '+P', '+plus'],
    ['%_\\', '%', '%_', '%_\\'],
    ['68849', '6', '68849', '688-49', '+68849'],
    ['22', '2', '22', '+22'],
    ['1234567890123456', '1', '+12345', '1234567890123456'],
  ])('from %s is found by its beginning', async (from, ...beginnings) => {
    await receive(from);
    for (const text of beginnings) expect(await found('messages', 'from', text), text).toContain(from);
    for (const text of [`x${from}`, 'mazon', '%a', '_']) expect(await found('messages', 'from', text), text).not.toContain(from);
  });

  test('is found by a Microsoft address that begins with digits', async () => {
    for (const microsoftAddress of ['007@tenant.example', '1.2@tenant.example', '12345678-1234-1234-1234-123456789012'])
      await done(provider, 'createMapping', newMapping(enterpriseSid, { microsoftAddress }));
    for (const text of ['007', '00', '0', '1.2', '1.2@', '12345678-1234', '12345678-1234-1234-1234-123456789012'])
      expect((await found('mappings', 'microsoftAddress', text)).length, text).toBeGreaterThan(0);
    const senders = await gateway.database.prisma.mapping.findMany({ where: { microsoftAddress: { startsWith: '1' } } });
    for (const mapping of senders) {
      await provider.graph(SEND, { input: { mappingSid: mapping.sid, to: '+4917012345671', body: 'Hello' } });
      for (let length = 1; length <= mapping.microsoftAddress.length; length += 1)
        expect(await found('messages', 'from', mapping.microsoftAddress.slice(0, length))).toContain(mapping.microsoftAddress);
    }
  });

  test('can be searched by any text', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.string({ unit: fc.constantFrom(...'0123456789+-()[]./~ %_\\;=telx\u202a\uff0b١'), maxLength: 40 }),
      fc.constantFrom('+', '00', '%2B', 'tel:', '(0)', '+(0)', '\u200b', '1'.repeat(250), `+${'('.repeat(249)}`, ';phone-context=+1'),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        if (text.trim() === '') return;
        await found('messages', 'from', text);
        await found('mappings', 'externalAddress', text);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a mapping', () => {
  test('keeps its number as given, is found by it in any notation, and is the only one for it', async () => {
    await fc.assert(
      fc.asyncProperty(oneNumber(plainSpelling), fc.constantFrom(...faces), async ({ number, stored, asked, length }, face) => {
        const { sid } = await outcome(face, provider, 'createMapping', newMapping(enterpriseSid, { externalAddress: stored }));
        expect(sid).toBeDefined();
        const beginning = number.slice(1, length + 1);
        const part = number.slice(-Math.min(length, number.length - 1));
        for (const text of [stored, asked, number, beginning, `+${beginning}`, `00${beginning}`, part])
          expect(await found('mappings', 'externalAddress', text), text).toContain(stored);
        const taken = { value: asked, path: ['externalAddress'] };
        await expectRefusal(
          provider,
          'createMapping',
          newMapping(enterpriseSid, { externalAddress: asked }),
          'EXTERNAL_ADDRESS_NOT_UNIQUE',
          taken,
        );
        expect(restcomm.isSmsEnabled(asked)).toBe(true);

        restcomm.reset();
        expect((await done(provider, 'updateMapping', { sid, externalAddress: asked })).externalAddress).toBe(asked);
        expect(restcomm.calls).toEqual([]);
        await done(provider, 'deleteMapping', { sid });
        expect(restcomm.isSmsEnabled(number)).toBe(false);
      }),
      { numRuns: 8 },
    );
  });

  test('matches a part of its number, unless the text is marked as a beginning', async () => {
    const { externalAddress } = await done(
      provider,
      'createMapping',
      newMapping(enterpriseSid, { externalAddress: '+49 (0)30 700123451' }),
    );
    for (const text of ['(0)30', '30 700', '4930700', '00 49 30', '7001', '7-0-0-1', '001']) {
      expect(await found('mappings', 'externalAddress', text), text).toContain(externalAddress);
    }
    for (const text of ['+30', '0030', '+7001', '49 (0)31', 'x'])
      expect(await found('mappings', 'externalAddress', text), text).not.toContain(externalAddress);
  });

  test('that has always had another’s number keeps it, and does not affect the other', async () => {
    const { prisma } = gateway.database;
    const owner = await done(provider, 'createMapping', newMapping(enterpriseSid, { externalAddress: '+4930800123451' }));
    const { sid } = await done(provider, 'createMapping', newMapping(enterpriseSid));
    const number = { externalAddress: '004930800123451', externalDigits: '004930800123451' };
    await prisma.mapping.update({ where: { sid }, data: number });
    restcomm.reset();
    const renamed = await done(provider, 'updateMapping', { sid, name: 'Renamed', externalAddress: number.externalAddress });
    expect(renamed).toMatchObject({ name: 'Renamed', externalAddress: number.externalAddress });
    expect(await prisma.mapping.findUnique({ where: { sid } })).toMatchObject(number);
    const taken = { value: '+49 30 800123451', path: ['externalAddress'] };
    await expectRefusal(provider, 'updateMapping', { sid, externalAddress: taken.value }, 'EXTERNAL_ADDRESS_NOT_UNIQUE', taken);
    await done(provider, 'deleteMapping', { sid });
    expect(restcomm.calls).toEqual([]);
    expect(restcomm.isSmsEnabled(owner.externalAddress)).toBe(true);

    const again = await done(provider, 'createMapping', newMapping(enterpriseSid));
    await prisma.mapping.update({ where: { sid: again.sid }, data: number });
    await done(provider, 'updateMapping', { sid: again.sid, externalAddress: fresh.number() });
    expect(restcomm.isSmsEnabled(owner.externalAddress)).toBe(true);
  });
});

describe('pages', () => {
  interface ShownPage {
    readonly messages: { readonly nodes: { readonly sid: string }[]; readonly pageInfo: { readonly endCursor: string | null } };
  }
  const QUERY = `query ($field: MessageOrderField!, $after: String, $before: String) {
    messages(first: 5, after: $after, before: $before, orderBy: { field: $field }) { nodes { sid from to } pageInfo { endCursor } } }`;

  test.each(['FROM', 'TO'] as const)('by %s continue after their cursors, and refuse those of earlier versions', async (field) => {
    for (const from of ['+1 571 2101234', '0015712101233', '15712101235', '+15712101236', 'BANK', 'tel:+15712101237']) await receive(from);
    const { prisma } = gateway.database;
    const column = field === 'FROM' ? 'fromFolded' : 'toFolded';
    const order = [{ [column]: 'asc' as const }, { sid: 'asc' as const }];
    const all = await prisma.message.findMany({
      where: { organizationSid: provider.organizationSid },
      orderBy: order,
      select: { sid: true },
    });
    const paged: { sid: string }[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const { data }: { data: ShownPage } = await provider.graph(QUERY, { field, after });
      paged.push(...data.messages.nodes.map(({ sid }) => ({ sid })));
      after = data.messages.pageInfo.endCursor;
    }
    expect(paged).toEqual(all);

    for (const argument of ['after', 'before']) {
      const cursor = encodeCursor('messages', field, '+15712101234', 'MS0');
      const { errors } = await provider.graph(QUERY, { field, [argument]: cursor });
      expect(errors?.[0]?.message).toBe(`Parameter ${argument} is invalid: is out of date: read from the first page`);
    }
  });

  test('by creation continue after the cursors of earlier versions', async () => {
    const { data, errors } = await provider.graph(QUERY, {
      field: 'DATE_CREATED',
      after: encodeCursor('messages', 'DATE_CREATED', new Date(0), 'MS0'),
    });
    expect(errors).toBeUndefined();
    expect(data.messages.nodes).toHaveLength(5);
  });

  test('refuse a cursor of another order, and name that order', async () => {
    const { data } = await provider.graph(QUERY, { field: 'FROM' });
    const { errors } = await provider.graph(QUERY, { field: 'TO', after: data.messages.pageInfo.endCursor });
    expect(errors?.[0]?.message).toBe('Parameter after is invalid: is a cursor of the order FROM, not TO');
  });
});
