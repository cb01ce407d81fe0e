import type { MappingImport, MappingImportRow } from '../../prisma/client/client.ts';
import { mappingsFromGroup, type NumberSource, numberSources } from '../../src/domain/bulk/group-import.ts';
import {
  countImportRows,
  findImport,
  type ImportRowStatus,
  type ImportStatus,
  importMappings,
  importOf,
  importRowStatuses,
  importStatuses,
  isInterrupted,
  listImportRows,
  listImports,
  runMappingImport,
} from '../../src/domain/bulk/imports.ts';
import { linkTo } from '../../src/domain/bulk/links.ts';
import { ProvisionedInterface, required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { forbidUnlessOptedIn } from './export.ts';

const STATUSES: Readonly<Record<ImportStatus, string>> = {
  AWAITING_UPLOAD: 'Its file has not been uploaded, or was malformed: `errorMessage` says how.',
  CHECKING: 'Its rows are being checked. Nothing is changed.',
  CHECKED: 'Its rows were checked, and it can run.',
  RUNNING: 'Its valid rows are being created.',
  COMPLETED: 'It has run. Rows that failed are tried again if it is run again.',
  FAILED: 'It was ended, since the credentials that started it ended. It can run again if every row was checked before.',
};
const ROW_STATUSES: Readonly<Record<ImportRowStatus, string>> = {
  PENDING: 'The row has not been checked yet.',
  VALID: 'The row can be created.',
  INVALID: 'The row cannot be created, and is not tried. `errorCode` says why.',
  CREATED: 'The mapping was created.',
  EXISTING: 'The number is mapped to this user of this enterprise already.',
  FAILED: 'The mapping could not be created, or a platform did not respond while it was checked. Running the import tries it again.',
};

const ImportStatusEnum = builder.enumType('MappingImportStatus', {
  description: 'How far an import is: `AWAITING_UPLOAD` → `CHECKING` → `CHECKED` → `RUNNING` → `COMPLETED`.',
  values: Object.fromEntries(importStatuses.map((value) => [value, { value, description: STATUSES[value] }])),
});

const ImportRowStatusEnum = builder.enumType('MappingImportRowStatus', {
  description: 'What has become of a row.',
  values: Object.fromEntries(importRowStatuses.map((value) => [value, { value, description: ROW_STATUSES[value] }])),
});

const ImportRowRef = builder.objectRef<MappingImportRow>('MappingImportRow').implement({
  description: 'A row of an imported file.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'The number of the row, from 1.' }),
    line: t.exposeInt('line', { description: "The line of the file, from 1, which the header's is." }),
    name: t.exposeString('name', { description: 'The display name as given.' }),
    microsoftAddress: t.exposeString('microsoftAddress', { description: 'The Teams user as given.' }),
    externalAddress: t.exposeString('externalAddress', { description: 'The phone number as given.' }),
    status: t.field({
      type: ImportRowStatusEnum,
      description: 'What has become of the row.',
      resolve: ({ status }) => status as ImportRowStatus,
    }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'The `ErrorCode` that `createMapping` has for this row. `null` unless it is `INVALID` or `FAILED`.',
    }),
    errorMessage: t.exposeString('errorMessage', { nullable: true, description: 'A human-readable explanation of the error.' }),
    errorPath: t.stringList({
      nullable: true,
      description: 'The `path` of the error that `createMapping` returns for this row: the column that caused it. `null` if none did.',
      resolve: ({ errorField }) => errorField?.split('.') ?? null,
    }),
    mappingSid: t.exposeID('mappingSid', { nullable: true, description: 'The sid of the mapping that was created, or existed.' }),
  }),
});

const CountsRef = builder.objectRef<Record<ImportRowStatus, number>>('MappingImportCounts').implement({
  description: 'How many rows of an import have each status.',
  fields: (t) =>
    Object.fromEntries(
      importRowStatuses.map((status) => [
        status.toLowerCase(),
        t.int({ description: `The number of \`${status}\` rows.`, resolve: (counts) => counts[status] }),
      ]),
    ),
});

const MappingImportRef = builder.prismaNode('MappingImport', {
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => importOf(caller, sid),
  interfaces: [ProvisionedInterface],
  nullable: true,
  description: 'An import of mappings from a file. It is kept for 30 days.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `IM` followed by 32 hex digits.' }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The sid of the enterprise that the mappings are for.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that the mappings are for.',
      resolve: async ({ enterpriseSid }, _args, { loaders }) => required(await loaders.enterprise.load(enterpriseSid)),
    }),
    status: t.field({ type: ImportStatusEnum, description: 'How far the import is.', resolve: ({ status }) => status as ImportStatus }),
    isInterrupted: t.boolean({
      description:
        'Whether the instance that worked on it has stopped. Another one continues with the rows that are left, within a minute.',
      resolve: isInterrupted,
    }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'The `ErrorCode` of a malformed file, or `UNAUTHENTICATED` if the credentials ended. `null` without an error.',
    }),
    errorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description: 'A human-readable explanation of the error, with the line of the file.',
    }),
    rowCount: t.exposeInt('rowCount', { description: 'The number of rows of the file. 0 before the upload.' }),
    counts: t.field({
      type: CountsRef,
      description: 'How many rows have each status.',
      resolve: (row, _args, { gateway }) => countImportRows(gateway, row),
    }),
    rows: t.field({
      type: [ImportRowRef],
      description: 'The rows, in the order of the file.',
      args: {
        statuses: t.arg({ type: [ImportRowStatusEnum], description: 'Returns only rows with one of these statuses.' }),
        afterNumber: t.arg.int({ description: 'Returns the rows after the one with this number.' }),
        first: t.arg.int({ description: 'Returns at most this many rows: 0 to 1000. Defaults to 20.' }),
      },
      resolve: (row, { statuses, afterNumber, first }, { gateway }) =>
        listImportRows(gateway, row, {
          statuses: statuses as ImportRowStatus[] | null | undefined,
          after: afterNumber ?? 0,
          first: first ?? 20,
        }),
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when the import was prepared.' }),
    dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'The time when its status last changed.' }),
  }),
});

builder.queryFields((t) => ({
  mappingImport: t.field({
    type: MappingImportRef,
    nullable: true,
    description: 'Finds an import by its sid. Returns `null` if there is none that the credentials can see.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the import: `IM` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findImport(gateway, caller, sid),
  }),
  mappingImports: t.field({
    type: [MappingImportRef],
    description: 'The latest imports, the newest first.',
    args: { first: t.arg.int({ description: 'Returns at most this many: 0 to 100. Defaults to 20.' }) },
    resolve: (_root, { first }, { gateway, caller }) => listImports(gateway, caller, first ?? 20),
  }),
}));

builder.subscriptionField('mappingImport', (t) =>
  t.field({
    type: MappingImportRef,
    description:
      'Streams the state of an import, now, after each change and, while nothing changes, again at least every 20 seconds (a stream that is silent for longer is dead). It completes once it is `CHECKED`, `COMPLETED` or `FAILED`, or its link has expired without an upload. Errors: `IMPORT_NOT_FOUND`.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the import: `IM` followed by 32 hex digits.' }) },
    subscribe: (_root, { sid }, { live, caller }) => live.mappingImport(caller, sid),
    resolve: (row) => row,
  }),
);

const ImportMappingsInput = builder.inputType('ImportMappingsInput', {
  description: 'An import of mappings to prepare.',
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise that the mappings are for.' }),
    ...idempotencyKey(t),
  }),
});

const RunMappingImportInput = builder.inputType('RunMappingImportInput', {
  description: 'A checked import to run.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the import: `IM` followed by 32 hex digits.' }),
    skipInvalid: t.boolean({ description: 'Whether to run it although it has invalid rows, without them. Defaults to false.' }),
    ...idempotencyKey(t),
  }),
});

const ImportMappingsSuccessRef = builder.objectRef<{ mappingImport: MappingImport }>('ImportMappingsSuccess').implement({
  description: 'The success of `importMappings`.',
  fields: (t) => ({
    mappingImport: t.expose('mappingImport', { type: MappingImportRef, description: 'The new import.' }),
    uploadUrl: t.string({
      description:
        'The signed URL to upload the file to, by PUT without credentials: CSV with a header or JSON lines, at most 10,000 rows with `name`, `microsoftAddress` and `externalAddress`. The response is 202, or 400 with `{ code, message }` for a malformed file, which leaves nothing behind.',
      resolve: ({ mappingImport }, _args, { gateway }) => linkTo(gateway, 'imports', mappingImport.sid),
    }),
    dateExpires: t.field({
      type: 'DateTime',
      description: 'The time by which the upload must have begun: five minutes after the request.',
      resolve: ({ mappingImport }) => mappingImport.dateExpires,
    }),
  }),
});

const RunMappingImportSuccessRef = builder.objectRef<{ mappingImport: MappingImport }>('RunMappingImportSuccess').implement({
  description: 'The success of `runMappingImport`.',
  fields: (t) => ({ mappingImport: t.expose('mappingImport', { type: MappingImportRef, description: 'The import, which now runs.' }) }),
});

const NUMBERS: Readonly<Record<NumberSource, string>> = {
  mobile: 'The mobile number.',
  business: 'The first business number.',
  'mobile-or-business': 'The mobile number, or else the first business number.',
  'business-or-mobile': 'The first business number, or else the mobile number.',
};

const NumberSourceEnum = builder.enumType('EntraNumberSource', {
  description: 'Which number of a user in Microsoft Entra is the one for SMS.',
  values: Object.fromEntries(
    numberSources.map((value) => [value.replaceAll('-', '_').toUpperCase(), { value, description: NUMBERS[value] }]),
  ),
});

const MappingsFromGroupInput = builder.inputType('MappingsFromGroupInput', {
  description: 'An import of the members of a Microsoft Entra group to prepare.',
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise that the mappings are for. Its bot asks Microsoft.' }),
    groupId: t.string({ required: true, description: 'The object id of the group: a GUID. Members of groups in it belong to it as well.' }),
    numbers: t.field({ type: NumberSourceEnum, description: 'Which number is mapped. Defaults to `MOBILE_OR_BUSINESS`.' }),
    ...idempotencyKey(t),
  }),
});

const MappingsFromGroupSuccessRef = builder.objectRef<{ mappingImport: MappingImport }>('MappingsFromGroupSuccess').implement({
  description: 'The success of `mappingsFromGroup`.',
  fields: (t) => ({
    mappingImport: t.expose('mappingImport', { type: MappingImportRef, description: 'The new import, whose rows are being checked.' }),
  }),
});

builder.mutationField('mappingsFromGroup', (t) =>
  t.field({
    type: MappingsFromGroupSuccessRef,
    nullable: true,
    description:
      "Prepares an import of the users of a Microsoft Entra group who have a phone number there. As with a file, every row is checked and nothing is changed; then `runMappingImport` creates the mappings. The bot's application needs the permissions `GroupMember.Read.All` and `User.Read.All` of Microsoft Graph. An enterprise's admin needs the organization's feature `ADMIN_IMPORT`.",
    errors: resultUnion('MappingsFromGroupResult', 'new import', [
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'BOT_NOT_FOUND',
      'TOO_MANY_IMPORTS',
      'PLATFORM_ERROR',
    ]),
    args: { input: t.arg({ type: MappingsFromGroupInput, required: true, description: 'The import to prepare.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      mappingImport: await mappingsFromGroup(gateway, caller, {
        ...input,
        numbers: input.numbers as NumberSource | null | undefined,
      }).catch(forbidUnlessOptedIn),
    }),
  }),
);

builder.mutationFields((t) => ({
  importMappings: t.field({
    type: ImportMappingsSuccessRef,
    nullable: true,
    description:
      "Prepares an import of mappings: upload the file to `uploadUrl`, which has every row checked and changes nothing; then `runMappingImport` creates them. An enterprise's admin needs the organization's feature `ADMIN_IMPORT`.",
    errors: resultUnion('ImportMappingsResult', 'new import', ['ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'TOO_MANY_IMPORTS']),
    args: { input: t.arg({ type: ImportMappingsInput, required: true, description: 'The import to prepare.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      mappingImport: await importMappings(gateway, caller, input).catch(forbidUnlessOptedIn),
    }),
  }),
  runMappingImport: t.field({
    type: RunMappingImportSuccessRef,
    nullable: true,
    description:
      "Creates the mappings of a checked import, each as `createMapping` does, and returns at once: `Subscription.mappingImport` shows the progress. If it has run before, only rows that failed are tried again. An enterprise's admin needs the organization's feature `ADMIN_IMPORT`.",
    errors: resultUnion('RunMappingImportResult', 'running import', ['IMPORT_NOT_FOUND', 'IMPORT_NOT_READY', 'IMPORT_HAS_INVALID_ROWS']),
    args: { input: t.arg({ type: RunMappingImportInput, required: true, description: 'The import to run.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      mappingImport: await runMappingImport(gateway, caller, input).catch(forbidUnlessOptedIn),
    }),
  }),
}));
