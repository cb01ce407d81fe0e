import { ChannelStatus } from '../../../prisma/client/client.ts';
import type { Database } from '../../../src/database/connect.ts';

// Messages whose values are hard to pack: what JSON escapes, what marks null, what separates.

export const PARENTS = ['EN1', 'EN2', 'EN3'];
export const TEXTS = [
  '',
  '=',
  '=a',
  'a',
  '"',
  '\\',
  '\\"\n',
  '\r\n\t\b\f',
  '\u0001\u001d\u007f',
  '😀',
  '\u2028\u2029',
  "it's",
  '{}',
  '[]',
  'null',
];
/** What separates rows, what separates values, and such as could make up for each other if they were only counted in sum. */
const SEPARATED = ['\x1e', '\x1f', 'a\x1eb', 'a\x1fb', '\x1e\x1f', '\x1f\x1e\x1f', `\x1f${'\x1f'.repeat(20)}\x1e`];
const TIMES = [
  '2026-11-05T11:59:34.120Z',
  '2026-11-05T11:59:34Z',
  '1969-12-31T23:59:59.999Z',
  '0950-01-01T00:00:00.010Z',
  '0050-06-01T00:00:00Z',
];
export const time = (index: number) => new Date(TIMES[index % TIMES.length] as string);

/** Fills an empty database: OR1 has rows without separators, OR2 some with, OR3 none. */
export async function fill({ prisma }: Database): Promise<void> {
  const digest = { tokenDigest: new Uint8Array(32), tokenKeyId: 'key' };
  for (const [organizationSid, sids] of Object.entries({ OR1: PARENTS, OR2: ['EN4'] })) {
    const accountSid = organizationSid.replace('OR', 'AC');
    await prisma.organization.create({ data: { sid: organizationSid, name: organizationSid } });
    await prisma.account.create({
      data: { sid: accountSid, organizationSid, email: 'a@b.example', friendlyName: 'a', permissions: [], ...digest },
    });
    for (const sid of sids) await prisma.enterprise.create({ data: { sid, organizationSid, accountSid, name: sid, nameFolded: sid } });
  }
  await prisma.message.createMany({ data: Array.from({ length: 60 }, (_, index) => row(index)) });
  await prisma.message.createMany({ data: Array.from({ length: 28 }, (_, index) => separated(index)) });
}

function row(index: number) {
  const text = (plus: number) => TEXTS[(index + plus) % TEXTS.length] as string;
  const nullable = (plus: number) => ((index + plus) % 3 ? text(plus) : null);
  return {
    sid: `MS${(index * 7919) % 1000}`,
    organizationSid: 'OR1',
    enterpriseSid: PARENTS[index % 2] as string,
    accountSid: 'AC1',
    direction: index % 3 ? ('INBOUND' as const) : ('OUTBOUND' as const),
    from: text(1),
    fromFolded: text(1),
    to: text(2),
    toFolded: text(2),
    body: text(3),
    mediaUrls: index % 4 ? [] : [text(4), '\x1e', '\x1f', text(5)],
    segments: index,
    channelStatus: Object.values(ChannelStatus)[index % 8] as ChannelStatus,
    statusRank: 0,
    channelErrorCode: nullable(6),
    channelErrorMessage: nullable(7),
    possiblyDuplicated: index % 2 === 0,
    stuck: index % 6 === 0,
    statusAsked: index % 2 ? null : time(index + 2),
    dateCreated: time(index),
    dateUpdated: time(index + 1),
  };
}

/** Rows of another organization. Half of them contain separators, in one value or in several. */
function separated(index: number) {
  const text = SEPARATED[index % SEPARATED.length] as string;
  const held = index % 2 ? [] : [['body'], ['from'], ['channelErrorMessage'], ['body', 'channelErrorMessage'], ['from', 'body']][index % 5];
  const texts = Object.fromEntries((held ?? []).map((field) => [field, text]));
  return {
    ...row(index),
    ...{ sid: `MT${index}`, organizationSid: 'OR2', enterpriseSid: 'EN4', accountSid: 'AC2' },
    ...texts,
    fromFolded: texts.from ?? 'a',
  };
}
