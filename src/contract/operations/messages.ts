import { messageNotFound } from '../../domain/errors.ts';
import type { Operation } from './operation.ts';
import { type Connection, pageData, pageVariables } from './paging.ts';
import { address, choice, endTime, enterpriseSid, page, pageSize, sortBy, startTime, text } from './parameters.ts';
import type { ContractSettings } from './settings.ts';
import { timestamp, timestampForm } from './timestamps.ts';
import { withoutAbsent } from './without-absent.ts';

interface MessageRow {
  readonly sid: string;
  readonly direction: string;
  readonly type: string;
  readonly from: string;
  readonly to: string;
  readonly channelStatus: string;
  readonly channelErrorCode: string | null;
  readonly channelErrorMessage: string | null;
  readonly restcommMessageSid: string | null;
  readonly dateCreated: string;
  readonly dateUpdated: string;
  readonly accountSid: string;
  readonly enterpriseSid: string;
}

const fragment = /* GraphQL */ `
  fragment MessageAnswer on Message {
    sid direction type from to channelStatus channelErrorCode channelErrorMessage restcommMessageSid
    dateCreated dateUpdated accountSid enterpriseSid
  }`;

function dataOf(row: MessageRow, settings: ContractSettings) {
  const form = timestampForm(settings, 'sql');
  return withoutAbsent({
    sid: row.sid,
    dateUpdated: timestamp(row.dateUpdated, form),
    dateCreated: timestamp(row.dateCreated, form),
    accountSid: row.accountSid,
    uri: `/msteams/messages/search/${row.sid}`,
    enterpriseSid: row.enterpriseSid,
    from: row.from,
    to: row.to,
    direction: row.direction,
    type: row.type,
    channelStatus: row.channelStatus,
    channelErrorCode: row.channelErrorCode,
    channelErrorMessage: row.channelErrorMessage,
    restcommMessageSid: row.restcommMessageSid,
  });
}

/** Every status that a message can have, as the graph's ChannelStatus. */
export const channelStatuses = ['QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED'];

/** The graph filters by statuses, the contract by a part of their names (REST.md, Requests). */
const statusesContaining = (text: string) => channelStatuses.filter((status) => status.includes(text.toUpperCase()));

export const messages: readonly Operation[] = [
  {
    operation: 'searchMessages',
    summary: "Lists the organization's messages",
    methods: ['GET'],
    path: '/msteams/messages/search',
    aliases: [],
    success: 200,
    query: [
      page,
      pageSize,
      enterpriseSid,
      startTime,
      endTime,
      choice('type', ['SMS', 'MMS'], 'Filters by type.'),
      choice(
        'direction',
        ['INBOUND', 'OUTBOUND'],
        'Filters by direction: INBOUND is from a Teams user to a phone number, OUTBOUND from a phone number to a Teams user.',
      ),
      address('from', 'Filters by the beginning of the sender; of a phone number, in any notation.', 'sunny'),
      address('to', 'Filters by the beginning of the recipient; of a phone number, in any notation.', '5656'),
      { ...text('channelStatus', 'Filters by a part of the channel status, ignoring case.', 'UNDELIVERED'), parse: statusesContaining },
      text('channelErrorCode', 'Filters by a part of the channel error code, ignoring case.', '30003'),
      text('channelErrorMessage', 'Filters by a part of the channel error message, ignoring case.', 'unreachable'),
      sortBy({ dateCreated: 'DATE_CREATED', from: 'FROM', to: 'TO' }),
    ],
    dataSchema: 'MessagePage',
    errors: ['INVALID_PARAMETER', 'SEARCH_TOO_WIDE'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: MessageOrder, $filter: MessageFilter) {
        result: messages(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...MessageAnswer } }
      } ${fragment}`,
    variables: (request) => {
      const { enterpriseSid, type, direction, from, to, channelStatus: statuses, channelErrorCode, channelErrorMessage } = request.query;
      return pageVariables(request, { enterpriseSid, type, direction, from, to, statuses, channelErrorCode, channelErrorMessage });
    },
    dataOf: ({ nodes, totalCount }: Connection<MessageRow>, request, settings) =>
      pageData(
        nodes.map((row) => dataOf(row, settings)),
        totalCount,
        '/msteams/messages',
        request,
      ),
  },
  {
    operation: 'getMessage',
    summary: 'Returns a message',
    methods: ['GET'],
    path: '/msteams/messages/search/{sid}',
    aliases: [],
    success: 200,
    dataSchema: 'Message',
    errors: ['MESSAGE_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!) { result: message(sid: $sid) { ...MessageAnswer } } ${fragment}`,
    variables: ({ sid }) => ({ sid }),
    dataOf: (row: MessageRow, _request, settings) => dataOf(row, settings),
    notFound: messageNotFound,
  },
];
