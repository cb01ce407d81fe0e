import { GraphQLError } from 'graphql';
import type { DataExport } from '../../prisma/client/client.ts';
import { exportMappings, exportMessages, exportUsage, NotOptedInError } from '../../src/domain/bulk/exports.ts';
import { fileFormats } from '../../src/domain/bulk/formats.ts';
import { linkTo } from '../../src/domain/bulk/links.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { ChannelStatusEnum, MessageDirectionEnum, MessageTypeEnum } from '../messages/message.ts';
import { UsageDimensionEnum, UsageFilterInput, UsageGranularityEnum } from '../messages/usage.ts';

const FileFormatEnum = builder.enumType('FileFormat', {
  description: 'The format of a downloaded file, always in UTF-8. The columns are documented in docs/exports.md.',
  values: {
    CSV: {
      value: fileFormats[0],
      description: 'RFC 4180: a header, commas, CRLF. Texts that a spreadsheet would run as a formula begin with an apostrophe.',
    },
    JSON_LINES: { value: fileFormats[1], description: 'One JSON object a line, with the columns as its fields.' },
  } as const,
});

const MessageExportFilterInput = builder.inputType('MessageExportFilter', {
  description: 'A filter for exported messages. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The message belongs to the enterprise with this sid.' }),
    mappingSid: t.id({ description: 'The message was sent through the mapping with this sid.' }),
    direction: t.field({ type: MessageDirectionEnum, description: 'The message has this direction.' }),
    type: t.field({ type: MessageTypeEnum, description: 'The message is of this type.' }),
    statuses: t.field({ type: [ChannelStatusEnum], description: 'The delivery status is one of these.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'The message was accepted at or after this time.' }),
    createdTo: t.field({
      type: 'DateTime',
      description: 'The message was accepted at or before this time. At most the time of the request.',
    }),
  }),
});

const MappingExportFilterInput = builder.inputType('MappingExportFilter', {
  description: 'A filter for exported mappings.',
  fields: (t) => ({ enterpriseSid: t.id({ description: 'The mapping belongs to the enterprise with this sid.' }) }),
});

const ExportMessagesInput = builder.inputType('ExportMessagesInput', {
  description: 'A file of messages to download, in the order of their acceptance.',
  fields: (t) => ({
    format: t.field({ type: FileFormatEnum, description: 'The format of the file. Defaults to `CSV`.' }),
    withBody: t.boolean({ description: 'Whether the file has the texts of the messages. Defaults to false: billing needs none.' }),
    filter: t.field({ type: MessageExportFilterInput, description: 'Which messages the file has. By default, all.' }),
    ...idempotencyKey(t),
  }),
});

const ExportMappingsInput = builder.inputType('ExportMappingsInput', {
  description: 'A file of mappings to download, in the order of their creation.',
  fields: (t) => ({
    format: t.field({ type: FileFormatEnum, description: 'The format of the file. Defaults to `CSV`.' }),
    filter: t.field({ type: MappingExportFilterInput, description: 'Which mappings the file has. By default, all.' }),
    ...idempotencyKey(t),
  }),
});

const ExportUsageInput = builder.inputType('ExportUsageInput', {
  description: 'A file of usage to download, in the order of time: what the query `usage` gives, without its limit of entries.',
  fields: (t) => ({
    format: t.field({ type: FileFormatEnum, description: 'The format of the file. Defaults to `CSV`.' }),
    from: t.field({ type: 'DateTime', required: true, description: 'The beginning, as of `usage`.' }),
    to: t.field({ type: 'DateTime', required: true, description: 'The end, exclusive, as of `usage`.' }),
    granularity: t.field({ type: UsageGranularityEnum, required: true, description: 'By which times to add up.' }),
    groupBy: t.field({ type: [UsageDimensionEnum], description: 'By what to group, besides time. By nothing if absent.' }),
    filter: t.field({ type: UsageFilterInput, description: 'Counts only messages that match this filter.' }),
    timeZone: t.string({
      description: 'The time zone in which hours, days and months begin, by its name in the IANA database. Defaults to `UTC`.',
    }),
    ...idempotencyKey(t),
  }),
});

type ExportFields = PothosSchemaTypes.ObjectFieldBuilder<(typeof builder)['$inferSchemaTypes'], DataExport>;

/** The fields of a link. */
export const download = (t: ExportFields) => ({
  exportSid: t.exposeID('sid', { description: 'The sid of the export: `EX` followed by 32 hex digits, as in the audit log.' }),
  url: t.string({
    description:
      'The signed URL of the file, for GET without credentials. Anyone who has it can download the file until `dateExpires`, or until the credentials that asked for it end.',
    resolve: ({ sid }, _args, { gateway }) => linkTo(gateway, 'exports', sid),
  }),
  dateExpires: t.expose('dateExpires', {
    type: 'DateTime',
    description: 'The time by which the download must have begun: five minutes after the request.',
  }),
});

const ExportMessagesSuccessRef = builder.objectRef<DataExport>('ExportMessagesSuccess').implement({
  description: 'The success of `exportMessages`.',
  fields: download,
});

const ExportMappingsSuccessRef = builder.objectRef<DataExport>('ExportMappingsSuccess').implement({
  description: 'The success of `exportMappings`.',
  fields: download,
});

const ExportUsageSuccessRef = builder.objectRef<DataExport>('ExportUsageSuccess').implement({
  description: 'The success of `exportUsage`.',
  fields: download,
});

const OPT_IN = "Needs the permission `READ`; an enterprise's admin needs the organization's feature `ADMIN_EXPORT`, too.";

builder.mutationFields((t) => ({
  exportMessages: t.field({
    type: ExportMessagesSuccessRef,
    nullable: true,
    description: `Creates a link to download messages, e.g. for billing. The file ends with the messages of this time. ${OPT_IN}`,
    skipTypeScopes: true,
    authScopes: { permission: 'read' },
    errors: resultUnion('ExportMessagesResult', 'link', ['ENTERPRISE_NOT_FOUND', 'MAPPING_NOT_FOUND']),
    args: { input: t.arg({ type: ExportMessagesInput, required: true, description: 'What the file has.' }) },
    resolve: (_root, { input }, { gateway, caller }) => exportMessages(gateway, caller, input).catch(forbidUnlessOptedIn),
  }),
  exportMappings: t.field({
    type: ExportMappingsSuccessRef,
    nullable: true,
    description: `Creates a link to download mappings. \`importMappings\` accepts the file. ${OPT_IN}`,
    skipTypeScopes: true,
    authScopes: { permission: 'read' },
    errors: resultUnion('ExportMappingsResult', 'link', ['ENTERPRISE_NOT_FOUND']),
    args: { input: t.arg({ type: ExportMappingsInput, required: true, description: 'What the file has.' }) },
    resolve: (_root, { input }, { gateway, caller }) => exportMappings(gateway, caller, input).catch(forbidUnlessOptedIn),
  }),
  exportUsage: t.field({
    type: ExportUsageSuccessRef,
    nullable: true,
    description: `Creates a link to download usage, e.g. for billing by month and enterprise. Numbers are those of the time at which they are read. ${OPT_IN}`,
    skipTypeScopes: true,
    authScopes: { permission: 'read' },
    errors: resultUnion('ExportUsageResult', 'link', ['ENTERPRISE_NOT_FOUND']),
    args: { input: t.arg({ type: ExportUsageInput, required: true, description: 'What the file has.' }) },
    resolve: (_root, { input }, { gateway, caller }) => exportUsage(gateway, caller, input).catch(forbidUnlessOptedIn),
  }),
}));

/** @throws GraphQLError FORBIDDEN, with the feature, for an admin whose organization has not opted in, otherwise the error itself */
export function forbidUnlessOptedIn(error: unknown): never {
  if (!(error instanceof NotOptedInError)) throw error;
  const feature = error.feature.toUpperCase().replace('-', '_');
  throw new GraphQLError(`Your organization does not permit this: it has not opted in to ${feature}`, {
    extensions: { code: 'FORBIDDEN', feature },
  });
}
