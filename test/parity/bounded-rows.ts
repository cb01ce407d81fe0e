import { ChannelStatus, type PrismaClient } from '../../prisma/client/client.ts';
import type { Bounds } from '../../src/database/sql.ts';
import type { Provider } from '../support/gateway.ts';

// What the tests of bounded lists search: more messages than the bounds let a statement read.

export const MESSAGES = 150;
export const SMALL: Bounds = { page: 24, count: 60 };

const TEXTS = ['4930', '493011', 'person1', 'person2', 'PERSON', 'a%b', 'a_b', '\u{10ffff}', '\ud7ff', ''];
/** The first one is so rare that an index finds it. */
const BODIES = ['Your Parcel 17 is here', 'See you at the meeting', 'Meeting: 100% a_b'];
export const RARE_BODY = 'parcel 17';
const ERRORS = [null, '30003', '30005', 'E_1', 'x%'];
const at = <Value>(values: readonly Value[], index: number) => values[index % values.length] as Value;

/** Makes three enterprises, four mappings and messages of them. */
export async function seed(prisma: PrismaClient, { organizationSid, accountSid }: Provider, count: number) {
  const own = organizationSid.slice(2, 24);
  const sidOf = (prefix: string, number: number) => `${prefix}${own}${String(number).padStart(10, '0')}`;
  const enterprises = [0, 1, 2].map((n) => sidOf('EN', n));
  const mappings = [0, 1, 2, 3].map((n) => sidOf('BE', n));
  for (const sid of enterprises) {
    await prisma.enterprise.create({ data: { sid, organizationSid, accountSid, name: sid, nameFolded: sid } });
  }
  for (const [n, sid] of mappings.entries()) {
    const number = `4${Number.parseInt(own.slice(0, 12), 16)}${n}`;
    await prisma.mapping.create({
      data: {
        ...{ sid, organizationSid, accountSid, enterpriseSid: at(enterprises, n), name: sid, nameFolded: sid },
        ...{
          microsoftAddress: 'a@b.c',
          microsoftAddressFolded: 'a@b.c',
          microsoftDomain: 'b.c',
          externalAddress: number,
          externalDigits: number,
        },
      },
    });
  }
  await prisma.message.createMany({
    data: Array.from({ length: count }, (_, index) => {
      const rare = index > count - 5;
      return {
        sid: sidOf('MS', (index * 37) % 1000),
        ...{
          organizationSid,
          accountSid,
          enterpriseSid: at(enterprises, rare ? 2 : index % 2),
          mappingSid: index % 7 ? at(mappings, index) : null,
        },
        ...{ from: 'f', fromFolded: at(TEXTS, index * 3), to: 't', toFolded: at(TEXTS, index * 7 + 1) },
        body: at(BODIES, index % 37 === 2 ? 0 : 1 + (index % 2)),
        direction: rare ? ('OUTBOUND' as const) : ('INBOUND' as const),
        type: index % 29 === 3 ? ('MMS' as const) : ('SMS' as const),
        channelStatus: index % 4 ? ('DELIVERED' as const) : at(Object.values(ChannelStatus), index / 4),
        statusRank: 0,
        channelErrorCode: index % 9 ? null : at(ERRORS, index),
        channelErrorMessage: index % 9 ? null : `Not Reachable ${index % 3}`,
        stuck: index % 31 === 5,
        dateCreated: new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 20), 0, Math.floor((index % 20) / 3))),
      };
    }),
  });
  return { enterprises, mappings };
}
