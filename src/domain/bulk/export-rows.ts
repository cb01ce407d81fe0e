import type { ChannelStatus, MessageDirection, MessageType } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { enterprises } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { MAX_LARGE_PAGE_SIZE, type PageArguments } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { listMappings } from '../mappings/mappings.ts';
import { listMessages } from '../messages/messages.ts';
import type { FileRow } from './formats.ts';

/** Which messages a file has. All conditions must hold. */
export interface MessageExportFilter {
  readonly enterpriseSid?: string | null;
  readonly mappingSid?: string | null;
  readonly direction?: MessageDirection | null;
  readonly type?: MessageType | null;
  readonly statuses?: readonly ChannelStatus[] | null;
  readonly createdFrom?: Date | null;
  readonly createdTo?: Date | null;
}

/** Which mappings a file has. */
export interface MappingExportFilter {
  readonly enterpriseSid?: string | null;
}

export const MESSAGE_COLUMNS = [
  ...[
    'sid',
    'dateCreated',
    'dateUpdated',
    'enterpriseSid',
    'enterpriseName',
    'mappingSid',
    'accountSid',
    'direction',
    'type',
    'from',
    'to',
  ],
  ...['segments', 'encoding', 'media', 'channelStatus', 'channelErrorCode', 'channelErrorMessage', 'restcommMessageSid'],
] as const;
export const MAPPING_COLUMNS = [
  ...['sid', 'dateCreated', 'dateUpdated', 'enterpriseSid', 'enterpriseName', 'accountSid', 'name', 'microsoftAddress', 'externalAddress'],
] as const;

/**
 * Reads messages a page at a time, in the order of their creation. An index leads to each page: conditions that it does not serve are checked here, so
 * that no statement reads much however few messages match.
 */
export async function* messageRows(
  gateway: Gateway,
  caller: Caller,
  { direction, type, statuses, ...served }: MessageExportFilter,
  withBody: boolean,
): AsyncGenerator<FileRow[]> {
  const isWanted = (message: { direction: MessageDirection; type: MessageType; channelStatus: ChannelStatus }) =>
    (!direction || message.direction === direction) &&
    (!type || message.type === type) &&
    (!statuses || statuses.includes(message.channelStatus));
  for await (const page of pagesOf((page) => listMessages(gateway, caller, served, undefined, page))) {
    const messages = page.filter(isWanted);
    const names = await namesOf(gateway, caller, messages);
    yield messages.map((message) => ({
      ...message,
      enterpriseName: names.get(message.enterpriseSid) ?? null,
      media: message.mediaUrls.length,
      body: withBody ? message.body : null,
      mediaUrls: null,
      formerRestcommSids: null,
    })) as unknown as FileRow[];
  }
}

/** Reads mappings a page at a time, in the order of their creation. */
export async function* mappingRows(gateway: Gateway, caller: Caller, filter: MappingExportFilter): AsyncGenerator<FileRow[]> {
  for await (const page of pagesOf((page) => listMappings(gateway, caller, filter, undefined, page))) {
    const names = await namesOf(gateway, caller, page);
    yield page.map((mapping) => ({ ...mapping, enterpriseName: names.get(mapping.enterpriseSid) ?? null }));
  }
}

async function* pagesOf<Row>(read: (page: PageArguments) => Promise<Page<Row>>): AsyncGenerator<Row[]> {
  for (let after: string | null = null; ; ) {
    const page: Page<Row> = await read({ first: MAX_LARGE_PAGE_SIZE, after });
    yield page.edges.map(({ node }) => node);
    after = page.pageInfo.endCursor;
    if (!page.pageInfo.hasNextPage) return;
  }
}

/** Reads the names of the rows' enterprises. */
export async function namesOf(
  { prisma }: Gateway,
  caller: Caller,
  rows: readonly { readonly enterpriseSid: string | null }[],
): Promise<Map<string, string>> {
  const sids = [...new Set(rows.flatMap(({ enterpriseSid }) => enterpriseSid ?? []))];
  if (sids.length === 0) return new Map();
  const found = await prisma.enterprise.findMany({
    where: { AND: [enterprises(caller), { sid: { in: sids } }] },
    select: { sid: true, name: true },
  });
  return new Map(found.map(({ sid, name }) => [sid, name]));
}
