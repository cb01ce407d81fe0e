import { afterAll, beforeAll, expect, test } from 'vitest';
import { erasePeople } from '../../../src/domain/privacy/erase-people.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { done, fresh } from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createSender, type Sender } from '../../support/live.ts';

// Stores a person wherever the gateway may store one, erases them, and searches every row of every table: a table that is added later is searched, too.

const PHONE = '+15557654321';
const OTHER_PHONE = '+15550000001';
const DIGITS = '15557654321';
const OBJECT_ID = '6f1f7c1e-0000-4000-8000-00000000abcd';
const NAME = 'Gone, Ms.';
const BODY = 'a text of theirs';
const CHAT = 'a:the-chat-of-theirs';
const ADDRESS = 'gone.person@e.example';
/** What identifies the phone, and what identifies the Teams user. The texts of their messages identify both. */
const OF_PHONE = [DIGITS, BODY];
const OF_USER = [ADDRESS, OBJECT_ID, NAME, CHAT, BODY];

let gateway: TestGateway;
let provider: Provider;
let from: Sender;
let mappingSid: string;
/** The number that the user is mapped to. */
let number: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  from = await createSender(gateway, provider);
});
afterAll(() => gateway.close());

/** The tables with a row that has one of the texts, in any of its columns. */
async function tablesWith(texts: readonly string[]): Promise<string[]> {
  const { pool } = gateway.database;
  const { rows } = await pool.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1",
  );
  const patterns = texts.map((text) => `%${text}%`);
  const found = await Promise.all(
    rows.map(async ({ name }) => {
      const { rows } = await pool.query(`SELECT 1 FROM "${name}" t WHERE row_to_json(t)::text ILIKE ANY ($1::text[]) LIMIT 1`, [patterns]);
      return rows.length > 0 ? [name] : [];
    }),
  );
  return found.flat();
}

async function erase(input: object) {
  const { data } = await provider.graph(
    'mutation ($input: ErasePersonInput!) { made: erasePerson(input: $input) { ... on ErasePersonSuccess { personErasure { sid } } ... on Error { code value } } }',
    { input },
  );
  await erasePeople(gateway.gateway);
  return gateway.database.prisma.personErasure.findUniqueOrThrow({ where: { sid: data.made.personErasure.sid } });
}

const exportOf = (input: object) =>
  provider.graph('mutation ($input: ExportPersonInput!) { exportPerson(input: $input) { ... on ExportPersonSuccess { url } } }', {
    input: { ...input, idempotencyKey: fresh.key() },
  });

/** Puts the person everywhere. */
async function populate() {
  const { prisma } = gateway.database;
  const { organizationSid, accountSid } = provider;
  const { enterpriseSid } = from;
  const of = { organizationSid, enterpriseSid };
  number = fresh.number();
  const input = { enterpriseSid, name: NAME, microsoftAddress: ADDRESS, externalAddress: number, idempotencyKey: fresh.key() };
  mappingSid = (await done(provider, 'createMapping', input)).sid;
  await prisma.mapping.update({ where: { sid: mappingSid }, data: { microsoftObjectId: OBJECT_ID } });
  for (const message of [
    { mappingSid, to: PHONE, body: BODY },
    { mappingSid: from.mappingSid, to: OTHER_PHONE, body: 'stays' },
  ]) {
    const sent = await provider.graph(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename ... on Error { code message } } }',
      { input: { ...message, idempotencyKey: fresh.key() } },
    );
    expect(sent.data?.sendMessage).toEqual({ __typename: 'SendMessageSuccess' });
  }
  const theirs = { from: PHONE, to: ADDRESS, direction: 'OUTBOUND' as const, mappingSid };
  const failed = await from.send({ ...theirs, body: BODY });
  await from.advance(failed, { status: 'FAILED', errorCode: 'X', errorMessage: `${ADDRESS} does not take ${PHONE}` });
  await prisma.outbox.deleteMany({});
  await prisma.outboxLane.deleteMany({});
  await prisma.idempotencyKey.create({
    data: {
      ...{ organizationSid, accountSid, key: fresh.key(), operation: 'createMapping', inputDigest: new Uint8Array(1), claim: 'done' },
      answer: { error: { kind: 'ConflictError', code: 'EXTERNAL_ADDRESS_NOT_UNIQUE', message: 'taken', value: `+1 (555) 765-4321` } },
    },
  });
  const chat = { ...of, conversationId: CHAT, serviceUrl: 'https://teams.example' };
  await prisma.teamsConversation.create({ data: { ...chat, objectId: OBJECT_ID, lastNumber: PHONE, lastMappingSid: mappingSid } });
  await prisma.teamsInstallation.create({ data: { ...of, objectId: OBJECT_ID, errorMessage: `cannot install for ${ADDRESS}` } });
  const link = { microsoftTenantId: 'a-tenant', microsoftObjectId: OBJECT_ID, dateMicrosoftLinked: new Date() };
  const email = { email: 'admin@x.example', emailFolded: 'admin@x.example' };
  await prisma.enterpriseAdmin.create({ data: { organizationSid, enterpriseSid, accountSid, sid: newSid('RCS'), ...email, ...link } });
  const held = { ...chat, objectId: OBJECT_ID, activityId: '1', body: BODY, expires: new Date(), ended: new Date(), sentTo: PHONE };
  await prisma.heldText.create({ data: { ...held, sid: newSid('EX'), choices: [{ number: PHONE, mappingSid, body: BODY }] } });
  await prisma.notice.create({ data: { ...chat, activity: { text: `“${BODY}” was sent to ${PHONE}` }, dedupeKey: `said:${CHAT}:1` } });
  const file = { ...of, accountSid, requestId: 'r', status: 'COMPLETED', dateExpires: new Date(), sid: newSid('EX') };
  await prisma.mappingImport.create({ data: file });
  const row = { organizationSid, importSid: file.sid, upload: 'u', line: 1, status: 'INVALID' };
  await prisma.mappingImportRow.createMany({
    data: [
      { ...row, number: 1, name: NAME, microsoftAddress: ADDRESS, externalAddress: number, externalDigits: number.slice(1) },
      {
        ...row,
        number: 2,
        name: 'x',
        microsoftAddress: 'x@e.example',
        externalAddress: PHONE,
        externalDigits: DIGITS,
        errorMessage: PHONE,
      },
    ],
  });
  await exportOf({ phoneNumber: PHONE });
  await exportOf({ microsoftAddress: ADDRESS, microsoftObjectId: OBJECT_ID });
}

test('an erased phone and an erased Teams user are in no row of any table any more', async () => {
  await populate();
  expect(await tablesWith(OF_PHONE)).toEqual([
    ...['conversation', 'data_export', 'held_text', 'idempotency_key', 'mapping_import_row', 'message', 'message_event', 'notice'],
    'teams_conversation',
  ]);
  expect((await erase({ phoneNumber: PHONE })).dateCompleted).not.toBeNull();
  expect(await tablesWith([DIGITS])).toEqual([]);
  await done(provider, 'deleteMapping', { sid: mappingSid, idempotencyKey: fresh.key() });
  // The user is still there, if not the texts that they exchanged with the phone.
  expect(await tablesWith([ADDRESS, OBJECT_ID, NAME, CHAT])).toEqual([
    ...['data_export', 'enterprise_admin', 'idempotency_key', 'mapping_import_row', 'released_mapping', 'teams_conversation'],
    'teams_installation',
  ]);
  expect((await erase({ microsoftAddress: ADDRESS, microsoftObjectId: OBJECT_ID })).dateCompleted).not.toBeNull();
  expect(await tablesWith([...OF_PHONE, ...OF_USER])).toEqual([]);
  expect(await tablesWith([OTHER_PHONE])).toEqual(['conversation', 'idempotency_key', 'message']);
});
