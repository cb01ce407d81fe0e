import { ChannelStatus } from '../../prisma/client/client.ts';
import { done, fresh, newBot, newEnterprise, newMapping } from '../parity/faces.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';

/** Three enterprises, two of them with a bot and mappings, and messages. */
export interface ListData {
  readonly enterprises: readonly { readonly sid: string; readonly adminSid: string; readonly password: string }[];
  readonly mappingSids: readonly string[];
}

const NAMES = ['Kohl & "Söhne" 😀', 'a\\b\u2028', 'plain'];
const BODIES = ['', '=', '=x', 'two\nlines\r\n\ttab', '"quoted" \\ back', '😀 \u2028\u2029', '\u0001\b\f\u001d\u007f', 'null', "it's <b>"];
const TIMES = [
  '2026-11-05T11:59:34.120Z',
  '2026-11-05T11:59:34Z',
  '2025-02-28T23:59:59.999Z',
  '1969-12-31T23:59:59.001Z',
  '0950-01-01T00:00:00Z',
];

/**
 * Gives a provider something to list.
 * @param separated texts that stand in bodies, senders and error messages of some of its messages
 */
export async function makeLists(gateway: TestGateway, provider: Provider, separated: readonly string[] = []): Promise<ListData> {
  const enterprises: ListData['enterprises'][number][] = [];
  const mappingSids: string[] = [];
  for (const [place, name] of NAMES.entries()) {
    const input = newEnterprise({ name: `${name} ${fresh.name()}` });
    const { password } = input.enterpriseAdmin as { password: string };
    const { sid, admin } = await done(provider, 'createEnterprise', input);
    enterprises.push({ sid, adminSid: admin.sid, password });
    if (place === 2) continue;
    await done(provider, 'createBot', newBot(sid, { botAppId: `app "${place}"`, tenantId: 'ä\\' }));
    for (const name of ['', '"q" 😀', 'n'])
      mappingSids.push((await done(provider, 'createMapping', newMapping(sid, name ? { name } : {}))).sid);
  }
  const { organizationSid, accountSid } = provider;
  const { prisma } = gateway.gateway;
  const mappings = await prisma.mapping.findMany({ where: { sid: { in: mappingSids } }, orderBy: { sid: 'asc' } });
  const at = <Value>(values: readonly Value[], index: number) => values[index % values.length] as Value;
  await prisma.message.createMany({
    data: Array.from({ length: 48 }, (_, index) => {
      const mapping = at(mappings, index);
      const hard = separated.length > 0 && index % 7 === 3 ? at(separated, index) : undefined;
      const from = (index % 3 === 1 ? hard : undefined) ?? `+49${index % 9}`;
      return {
        sid: `MS${organizationSid.slice(2, 26)}${String((index * 37) % 100).padStart(8, '0')}`,
        ...{ organizationSid, accountSid, enterpriseSid: mapping.enterpriseSid, mappingSid: index % 8 ? mapping.sid : null },
        ...{ from, fromFolded: from, to: mapping.microsoftAddress, toFolded: mapping.microsoftAddressFolded },
        direction: index % 3 ? ('INBOUND' as const) : ('OUTBOUND' as const),
        type: index % 5 ? ('SMS' as const) : ('MMS' as const),
        body: hard ?? at(BODIES, index),
        mediaUrls: index % 5 ? [] : ['https://a.example/{"}', `x,y ${hard ?? ''}`, ''],
        segments: index,
        channelStatus: at(Object.values(ChannelStatus), index),
        statusRank: 0,
        channelErrorCode: index % 4 ? null : at(['', '30008', '=1'], index),
        channelErrorMessage: index % 4 === 1 ? (hard ?? at(BODIES, index)) : null,
        restcommMessageSid: index % 2 ? null : `SM${organizationSid}${index}`,
        possiblyDuplicated: index % 2 === 0,
        stuck: index % 6 === 0,
        dateCreated: new Date(at(TIMES, index)),
        dateUpdated: new Date(at(TIMES, index + 1)),
      };
    }),
  });
  return { enterprises, mappingSids };
}
