import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { laneToPhone } from '../../src/domain/messages/lanes.ts';
import { comparedForm } from '../../src/domain/values/phone-numbers.ts';
import { phoneOf } from '../../src/domain/values/phones.ts';
import { fold } from '../../src/domain/values/text.ts';
import { createEarlierDatabase, type EarlierDatabase } from '../support/earlier-database.ts';
import { anySpelling, phones } from '../support/phone-spellings.ts';

// Rows that were stored before numbers had one form are compared like those that are stored now.

const MIGRATION = '20261129030000_one_form';

let database: EarlierDatabase;

beforeAll(async () => {
  database = await createEarlierDatabase(MIGRATION);
});
afterAll(() => database.close());

beforeEach(async () => {
  await database.pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(database.pool, database.earlier);
  await database.pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '');
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) VALUES ('EN1', 'OR1', 'AC1', 'Kohl', 'kohl')`);
});

const run = (text: string, values: readonly unknown[] = []) => database.pool.query(text, [...values]);
const column = async (text: string) => (await run(text)).rows.map((row) => Object.values(row)[0]);

interface OldMessage {
  readonly phone: string;
  /** Whether it was sent to the phone, or came from it. */
  readonly toPhone?: boolean;
  readonly mappingSid?: string;
  readonly second?: number;
}

/** A message as it was stored before, at a second of 2026. */
async function addMessage(sid: string, { phone, toPhone = false, mappingSid, second = 0 }: OldMessage) {
  const user = 'Ann@Kohl.example';
  const [from, to] = toPhone ? [user, phone] : [phone, user];
  await run(
    `INSERT INTO message (sid, organization_sid, enterprise_sid, account_sid, mapping_sid, direction, "from", from_folded, "to", to_folded, channel_status,
       status_rank, date_created) VALUES ($1, 'OR1', 'EN1', 'AC1', $2, $3, $4, $5, $6, $7, 'QUEUED', 0, '2026-01-01T00:00:00Z'::timestamptz + $8 * interval '1 s')`,
    [sid, mappingSid ?? null, toPhone ? 'INBOUND' : 'OUTBOUND', from, fold(from), to, fold(to), second],
  );
}

/** A mapping as it was stored before, at a day of 2026. */
const addMapping = (sid: string, number: string, day = 1) =>
  run(
    `INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
       microsoft_domain, external_address, external_digits, date_created)
     VALUES ($1, 'OR1', 'EN1', 'AC1', 'n', 'n', 'ann@kohl.example', 'ann@kohl.example', 'kohl.example', $2, ltrim($2, '+'), make_timestamptz(2026, 1, $3, 0, 0, 0))`,
    [sid, number, day],
  );

const WRITTEN = [
  '+15551230001',
  '15551230001',
  '0015551230001',
  '+1 555 123 0001',
  '+1-555-123-0001',
  '+1(555)1230001',
  '+1 (555) 123.0001',
  'tel:+15551230001',
  'tel:+1-555-123-0001;npdi',
  'tel:123-0001;phone-context=+1-555',
  '%2B15551230001',
  ' +15551230001',
  '\u202a+1\u00a0555\u2011123\u200b0001\u202c',
  '＋１５５５１２３０００１',
  '+١٥٥٥١٢٣٠٠٠١',
  '+44 (0)20 7946 0958',
  '(+49) 30 1234567',
  '+39 (0)341 123456',
  '+5215512345678',
  '5215512345678',
  '0301234567',
  '68849',
  '+68849',
  '22',
  '00',
  '1234567890123456',
  '001234567890123456',
  'AMAZON',
  'Straße 7',
  '1-800-FLOWERS',
  '+16502530000;ext=5',
  '+1\n555',
  '',
  '%_\\',
  `+1${' '.repeat(300)}5551230001`,
];

test('numbers in any notation get today’s form, and names keep theirs', async () => {
  const spelled = fc.sample(phones.chain(anySpelling), 200);
  const written = [...WRITTEN, ...spelled];
  for (const [index, phone] of written.entries()) await addMessage(`MS${String(index).padStart(4, '0')}`, { phone });
  for (const [index, phone] of ['+15551230001', '0015551230001', '0301234567', '112'].entries())
    await addMessage(`MT${index}`, { phone, toPhone: true });
  expect(await migrate(database.pool, MIGRATIONS)).toContain(MIGRATION);

  const { rows } = await run(`SELECT "from", from_folded, to_folded FROM message WHERE direction = 'OUTBOUND' ORDER BY sid`);
  expect(rows).toEqual(written.map((phone) => ({ from: phone, from_folded: comparedForm(phone), to_folded: 'ann@kohl.example' })));
  const sent = await run(`SELECT from_folded, to_folded FROM message WHERE direction = 'INBOUND' ORDER BY sid`);
  const forms = ['15551230001', '15551230001', '0301234567', '112'];
  expect(sent.rows).toEqual(forms.map((to_folded) => ({ from_folded: 'ann@kohl.example', to_folded })));
  // The table was rewritten; what counts its rows was not.
  expect(await column('SELECT messages FROM message_count')).toEqual([String(written.length + 4)]);
});

test('a number mapped in two notations stays with the mapping in the standard form, otherwise with the older one', async () => {
  await addMapping('BE1', '+15551230001', 2);
  await addMapping('BE2', '0015551230001', 1);
  await addMapping('BE3', '0049301234567', 4);
  await addMapping('BE4', '00525512345678', 3);
  await addMapping('BE5', '+5215512345678', 2);
  await addMapping('BE6', '0301234567');
  await addMapping('BE7', '112');
  await migrate(database.pool, MIGRATIONS);
  const { rows } = await run('SELECT sid, external_address, external_digits FROM mapping ORDER BY sid');
  expect(rows.map((row) => Object.values(row))).toEqual([
    ['BE1', '+15551230001', '15551230001'],
    ['BE2', '0015551230001', '0015551230001'],
    ['BE3', '0049301234567', '49301234567'],
    ['BE4', '00525512345678', '00525512345678'],
    ['BE5', '+5215512345678', '525512345678'],
    ['BE6', '0301234567', '0301234567'],
    ['BE7', '112', '112'],
  ]);
  await expect(run("UPDATE mapping SET external_digits = '112' WHERE sid = 'BE6'")).rejects.toThrow('mapping_external_digits_key');
  await expect(run("UPDATE mapping SET external_digits = '+112' WHERE sid = 'BE7'")).rejects.toThrow('mapping_external_digits_check');
});

test('waiting conversations are merged, in the order in which their messages were accepted', async () => {
  await addMapping('BE1', '0049301234567');
  await addMapping('BE2', '+4930100001');
  const lanes = [
    ['MS1', '+15551230001', 'sms:0049301234567:15551230001'],
    ['MS2', '0015551230001', 'sms:0049301234567:0015551230001'],
    ['MS3', '15551230001', 'sms:0049301234567:15551230001'],
    ['MS4', '+15551230002', 'sms:0049301234567:15551230002'],
    ['MS5', '0015551230001', 'sms:4930100001:0015551230001'],
    ['MS6', '15551230001', 'sms:4930100001:15551230001'],
    ['MS7', '0015551230001', 'sms:MS7:0015551230001'],
    ['MS8', '+15551230001', 'sms:4930100001:15551230001'],
  ] as const;
  for (const [index, [sid, phone, lane]] of lanes.entries()) {
    await addMessage(sid, { phone, toPhone: true, mappingSid: lane.startsWith('sms:4930100001') ? 'BE2' : 'BE1', second: index });
    await run('INSERT INTO outbox (message_sid, lane) VALUES ($1, $2)', [sid, lane]);
    await run(
      `INSERT INTO outbox_lane (lane, organization_sid, due, holder) VALUES ($1, 'OR1', make_timestamptz(2030, 1, $2, 0, 0, 0, 'UTC'), $3) ON CONFLICT DO NOTHING`,
      [lane, index + 1, lane === 'sms:4930100001:15551230001' ? 'holder' : null],
    );
  }
  await run("INSERT INTO outbox_lane (lane, organization_sid) VALUES ('teams:EN1:ann@kohl.example', 'OR1'), ('sms:4930100001:112', 'OR1')");
  await migrate(database.pool, MIGRATIONS);

  const { rows } = await run('SELECT lane, array_agg(message_sid ORDER BY seq) AS sids FROM outbox GROUP BY lane ORDER BY 2');
  expect(rows.map((row) => [row.lane, row.sids])).toEqual([
    ['sms:49301234567:15551230001', ['MS1', 'MS2', 'MS3']],
    ['sms:49301234567:15551230002', ['MS4']],
    ['sms:4930100001:15551230001', ['MS5', 'MS6', 'MS8']],
    ['sms:MS7:15551230001', ['MS7']],
  ]);
  // The next message of each conversation waits in the same lane.
  for (const number of ['+1 (555) 123-0001', 'tel:+15551230001'])
    expect(laneToPhone('49301234567', phoneOf(number, '0049301234567').compared)).toBe(rows[0].lane);
  const waiting = await run(
    'SELECT lane, extract(day FROM due AT TIME ZONE $1)::int AS day, holder FROM outbox_lane WHERE lane <> ALL ($2) ORDER BY lane',
    ['UTC', ['teams:EN1:ann@kohl.example', 'sms:4930100001:112']],
  );
  expect(waiting.rows.map((row) => Object.values(row))).toEqual([
    // Not before what may be under way.
    ['sms:4930100001:15551230001', 6, 'holder'],
    ['sms:49301234567:15551230001', 2, null],
    ['sms:49301234567:15551230002', 4, null],
    ['sms:MS7:15551230001', 7, null],
  ]);
  expect(await column('SELECT lane FROM outbox_lane ORDER BY lane')).toContain('teams:EN1:ann@kohl.example');
});

test('a Teams user’s current recipient can be answered', async () => {
  const numbers = [
    '+1 (555) 123-0001',
    'tel:+15551230001',
    '0015551230001',
    '+15551230001',
    '15551230001',
    '68849',
    '688-49',
    'AMAZON',
    null,
  ];
  for (const [index, number] of numbers.entries())
    await run("INSERT INTO teams_conversation (organization_sid, enterprise_sid, object_id, last_number) VALUES ('OR1', 'EN1', $1, $2)", [
      String(index),
      number,
    ]);
  await migrate(database.pool, MIGRATIONS);
  const us = '+15551230001';
  expect(await column('SELECT last_number FROM teams_conversation ORDER BY object_id')).toEqual([
    ...[us, us, us, us, '15551230001', '68849', '68849', 'AMAZON', null],
  ]);
});
