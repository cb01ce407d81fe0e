import { createHash } from 'node:crypto';
import { ORGANIZATION } from './data.ts';

// What is asked of the data of scale-data.ts at each size.

/** What a case may take at ten million messages, and its ratio to what it takes at a million. */
export interface Mark {
  readonly ratio?: number;
  readonly ms: number;
}

export interface Case {
  readonly group: 'filters' | 'orders' | 'pairs of filters' | 'totals' | 'REST, with its total';
  readonly what: string;
  readonly request: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown };
}

export const PAGE_MARK: Mark = { ratio: 3, ms: 50 };
/** For totals and refused pages, which read as many rows as the bounds allow (docs/adr/0021). Without a ratio: a million messages may have fewer rows. */
export const BOUND_MARK: Mark = { ms: 250 };

const FIELDS = 'sid direction type from to body segments channelStatus accountSid enterpriseSid dateCreated dateUpdated';
const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const ENTERPRISE = `EN${md5(`${ORGANIZATION}enterprise7`)}`;
const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 60 * 60_000).toISOString();

type Filter = Readonly<Record<string, unknown>>;

/** Each filter of the documentation: frequent, rare and without a match, where it can be. */
const FILTERS: Readonly<Record<string, Filter>> = {
  enterpriseSid: { enterpriseSid: ENTERPRISE },
  mappingSid: { mappingSid: `BE${md5(`${ENTERPRISE}mapping3`)}` },
  'mappingSid, none': { mappingSid: `BE${'0'.repeat(32)}` },
  'type MMS': { type: 'MMS' },
  'direction OUTBOUND': { direction: 'OUTBOUND' },
  'from, a country': { from: '+44' },
  'from, one number': { from: '+4477000012' },
  'from, none': { from: '+99' },
  'to, a country': { to: '+49151' },
  'to, one user': { to: 'person.3@' },
  'status DELIVERED': { statuses: ['DELIVERED'] },
  'status DELIVERED or UNDELIVERED': { statuses: ['DELIVERED', 'UNDELIVERED'] },
  'status FAILED': { statuses: ['FAILED'] },
  'status SENDING': { statuses: ['SENDING'] },
  'status FAILED or SENDING': { statuses: ['FAILED', 'SENDING'] },
  restcommMessageSid: { restcommMessageSid: `SM${md5(`${ORGANIZATION}platform99`)}` },
  'a text, frequent': { body: 'appointment' },
  'a text, none': { body: 'no such text' },
  'updated in a month': { updatedFrom: daysAgo(130), updatedTo: daysAgo(100) },
  'error code 30003': { channelErrorCode: '30003' },
  'error code, one message': { channelErrorCode: '30034' },
  'error code, two digits': { channelErrorCode: '00' },
  'error code, none': { channelErrorCode: '99999' },
  'error message': { channelErrorMessage: 'unknown' },
  'error message, two letters': { channelErrorMessage: 'op' },
  'stuck: true': { stuck: true },
  'stuck: false': { stuck: false },
  'a month': { createdFrom: daysAgo(130), createdTo: daysAgo(100) },
  'to a time': { createdTo: daysAgo(200) },
};
const PAIRED = [
  'enterpriseSid',
  'mappingSid',
  'type MMS',
  'direction OUTBOUND',
  'from, one number',
  'to, one user',
  'status FAILED',
  'error code 30003',
  'error message',
  'stuck: true',
  'a month',
];
const ORDERS = ['DATE_CREATED', 'FROM', 'TO'].flatMap((field) => ['ASC', 'DESC'].map((direction) => ({ field, direction })));
const REST: Readonly<Record<string, string>> = {
  'no filter': '',
  from: '&from=%2B44',
  direction: '&direction=OUTBOUND',
  endTime: `&endTime=${encodeURIComponent(daysAgo(200))}`,
  channelStatus: '&channelStatus=deliver',
  channelErrorCode: '&channelErrorCode=30003',
  'sorted by to': '&sortBy=to:desc',
};

const page = (filter: Filter, orderBy?: object) => ({
  method: 'POST' as const,
  path: '/graphql',
  body: {
    query: `query ($filter: MessageFilter, $orderBy: MessageOrder) {
      messages(first: 10, filter: $filter, orderBy: $orderBy) { nodes { ${FIELDS} } pageInfo { hasNextPage endCursor } } }`,
    variables: { filter, orderBy },
  },
});
const total = (filter: Filter) => ({
  method: 'POST' as const,
  path: '/graphql',
  body: { query: 'query ($filter: MessageFilter) { messages(first: 0, filter: $filter) { totalCount } }', variables: { filter } },
});

export const CASES: readonly Case[] = [
  ...Object.entries(FILTERS).map(([what, filter]): Case => ({ group: 'filters', what, request: page(filter) })),
  ...ORDERS.flatMap((order) =>
    ['', 'enterpriseSid', 'type MMS', 'status FAILED', 'a month'].map(
      (what): Case => ({
        group: 'orders',
        what: `${order.field} ${order.direction}${what ? `, ${what}` : ''}`,
        request: page(FILTERS[what] ?? {}, order),
      }),
    ),
  ),
  ...PAIRED.flatMap((one, place) =>
    PAIRED.slice(place + 1).map(
      (other): Case => ({ group: 'pairs of filters', what: `${one} + ${other}`, request: page({ ...FILTERS[one], ...FILTERS[other] }) }),
    ),
  ),
  ...Object.entries({ 'no filter': {}, ...FILTERS }).map(([what, filter]): Case => ({ group: 'totals', what, request: total(filter) })),
  ...Object.entries(REST).map(
    ([what, query]): Case => ({
      group: 'REST, with its total',
      what,
      request: { method: 'GET', path: `/msteams/messages/search?pageSize=10${query}` },
    }),
  ),
];
