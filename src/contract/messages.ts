import { messageNotFound } from '../domain/errors.ts';
import type { Operation } from './operation.ts';
import { type Connection, pageAnswer, pageVariables } from './paging.ts';
import { address, choice, endTime, enterpriseSid, page, pageSize, sortBy, startTime, text } from './parameters.ts';
import { present } from './present.ts';
import type { Settings } from './settings.ts';
import { timestamp, timestampForm } from './timestamps.ts';

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

function answer(row: MessageRow, settings: Settings) {
  const form = timestampForm(settings, 'sql');
  return present({
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
      choice('type', ['SMS', 'MMS'], 'Only those of this type.'),
      choice('direction', ['INBOUND', 'OUTBOUND'], 'Only those of this direction; INBOUND is a Teams user to a phone number.'),
      address('from', 'Only those whose sender begins with this text.'),
      address('to', 'Only those whose recipient begins with this text.'),
      text('channelStatus', 'Only those whose channel status contains this text, in any case.'),
      text('channelErrorCode', 'Only those whose channel error code contains this text, in any case.'),
      text('channelErrorMessage', 'Only those whose channel error message contains this text, in any case.'),
      sortBy({ dateCreated: 'DATE_CREATED', from: 'FROM', to: 'TO' }),
    ],
    answer: 'MessagePage',
    errors: ['INVALID_PARAMETER'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: MessageOrder, $filter: MessageFilter) {
        result: messages(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...MessageAnswer } }
      } ${fragment}`,
    variables: (request) => {
      const { enterpriseSid, type, direction, from, to, channelStatus, channelErrorCode, channelErrorMessage } = request.query;
      return pageVariables(request, { enterpriseSid, type, direction, from, to, channelStatus, channelErrorCode, channelErrorMessage });
    },
    envelope: ({ nodes, totalCount }: Connection<MessageRow>, request, settings) =>
      pageAnswer(
        nodes.map((row) => answer(row, settings)),
        totalCount,
        '/msteams/messages',
        request,
      ),
  },
  {
    operation: 'getMessage',
    summary: 'Gets one message',
    methods: ['GET'],
    path: '/msteams/messages/search/{sid}',
    aliases: [],
    success: 200,
    answer: 'Message',
    errors: ['MESSAGE_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!) { result: message(sid: $sid) { ...MessageAnswer } } ${fragment}`,
    variables: ({ sid }) => ({ sid }),
    envelope: (row: MessageRow, _request, settings) => answer(row, settings),
    notFound: messageNotFound,
  },
];
