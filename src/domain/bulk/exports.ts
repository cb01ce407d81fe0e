import * as z from 'zod';
import type { DataExport, Prisma } from '../../../prisma/client/client.ts';
import { mayUse, type OrganizationFeature } from '../access/organization.ts';
import type { Caller } from '../caller.ts';
import { deleteExpired } from '../delete-expired.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { enterpriseNotFound, mappingNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { invalidParameter, type Keyed, parseInput } from '../input.ts';
import { findMapping } from '../mappings/mappings.ts';
import { personFields, personOf } from '../privacy/person.ts';
import { inTransaction } from '../transaction.ts';
import { timesOf, type UsageQuery } from '../usage/usage.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import {
  MAPPING_COLUMNS,
  type MappingExportFilter,
  MESSAGE_COLUMNS,
  type MessageExportFilter,
  mappingRows,
  messageRows,
} from './export-rows.ts';
import { type FileFormat, type FileRow, fileFormats, headOf, rowsAsText } from './formats.ts';
import { expiryOf, ownerColumns } from './links.ts';
import { personLines } from './person-rows.ts';
import { USAGE_COLUMNS, usageRows } from './usage-rows.ts';

const time = z
  .date()
  .nullish()
  .transform((date) => date ?? undefined);
const sid = z
  .string()
  .nullish()
  .transform((text) => (text ? normalizeSid(text) : undefined));
const ofMessages = {
  ...{ enterpriseSid: sid, mappingSid: sid },
  direction: z.enum(['INBOUND', 'OUTBOUND']).nullish(),
  type: z.enum(['SMS', 'MMS']).nullish(),
  statuses: z.array(z.enum(['QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED'])).nullish(),
};
const messagesInput = z.object({
  format: z.enum(fileFormats).nullish(),
  withBody: z.boolean().nullish(),
  filter: z.object({ ...ofMessages, createdFrom: time, createdTo: time }).nullish(),
});
const mappingsInput = z.object({ format: z.enum(fileFormats).nullish(), filter: z.object({ enterpriseSid: sid }).nullish() });
const usageInput = z.object({
  format: z.enum(fileFormats).nullish(),
  ...{ from: z.date(), to: z.date(), granularity: z.enum(['HOUR', 'DAY', 'MONTH']), timeZone: z.string().nullish() },
  groupBy: z.array(z.enum(['ENTERPRISE', 'MAPPING', 'DIRECTION', 'STATUS', 'TYPE'])).nullish(),
  filter: z.object(ofMessages).nullish(),
});

type ExportMessagesInput = z.input<typeof messagesInput> & Keyed;
type ExportMappingsInput = z.input<typeof mappingsInput> & Keyed;
type ExportUsageInput = z.input<typeof usageInput> & Keyed;

/** An enterprise's admin may not do this, since the organization has not opted in to the feature. */
export class NotOptedInError extends Error {
  override readonly name = 'NotOptedInError';
  readonly feature: OrganizationFeature;

  constructor(feature: OrganizationFeature) {
    super(`The organization has not opted in to ${feature}`);
    this.feature = feature;
  }
}

/**
 * Prepares a file of messages, to be downloaded by a link. It ends with the messages of now.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND, MAPPING_NOT_FOUND; NotOptedInError
 */
export function exportMessages(gateway: Gateway, caller: Caller, input: ExportMessagesInput): Promise<DataExport> {
  return prepare(gateway, caller, 'exportMessages', input, async (now) => {
    const { format, withBody, filter } = parseInput(messagesInput, input);
    const { createdFrom, createdTo, mappingSid } = filter ?? {};
    if (createdFrom && createdTo && createdFrom > createdTo)
      throw invalidParameter(['filter', 'createdTo'], 'must not be before createdFrom');
    await requireEnterprise(gateway, caller, filter?.enterpriseSid);
    if (mappingSid && !(await findMapping(gateway, caller, mappingSid))) throw mappingNotFound(mappingSid, ['filter', 'mappingSid']);
    const end = createdTo && createdTo < now ? createdTo : now;
    return { format, parameters: { withBody: withBody ?? false, filter: { ...filter, createdTo: end } } };
  });
}

/**
 * Prepares a file of mappings, which `importMappings` takes, too.
 * @throws as exportMessages
 */
export function exportMappings(gateway: Gateway, caller: Caller, input: ExportMappingsInput): Promise<DataExport> {
  return prepare(gateway, caller, 'exportMappings', input, async () => {
    const { format, filter } = parseInput(mappingsInput, input);
    await requireEnterprise(gateway, caller, filter?.enterpriseSid);
    return { format, parameters: { filter: filter ?? {} } };
  });
}

/**
 * Prepares a file of usage: what `readUsage` tells, however much it is.
 * @throws as exportMessages; a mapping may have been deleted
 */
export function exportUsage(gateway: Gateway, caller: Caller, input: ExportUsageInput): Promise<DataExport> {
  return prepare(gateway, caller, 'exportUsage', input, async () => {
    const { format, ...query } = parseInput(usageInput, input);
    timesOf(query);
    await requireEnterprise(gateway, caller, query.filter?.enterpriseSid);
    return { format, parameters: query };
  });
}

const personInput = z.object({ ...personFields, enterpriseSid: sid });
type ExportPersonInput = z.input<typeof personInput> & Keyed;

/**
 * Prepares a file of what the gateway has of a phone or a Teams user, as JSON lines.
 * @throws as exportMessages
 */
export function exportPerson(gateway: Gateway, caller: Caller, input: ExportPersonInput): Promise<DataExport> {
  return prepare(gateway, caller, 'exportPerson', input, async () => {
    const { enterpriseSid, ...fields } = parseInput(personInput, input);
    const person = personOf(fields);
    if (enterpriseSid && !(await findEnterprise(gateway, caller, enterpriseSid)))
      throw enterpriseNotFound(enterpriseSid, ['enterpriseSid']);
    return { format: 'json-lines', parameters: { ...person, enterpriseSid: enterpriseSid ?? null } };
  });
}

/** Whether the caller may download data: a provider always, an enterprise's admin as long as the organization has opted in. */
export const mayExport = (gateway: Gateway, caller: Caller): Promise<boolean> => mayUse(gateway, caller, 'admin-export');

function prepare(
  gateway: Gateway,
  caller: Caller,
  kind: 'exportMessages' | 'exportMappings' | 'exportUsage' | 'exportPerson',
  input: Keyed,
  parse: (now: Date) => Promise<{ format?: FileFormat | null; parameters: object }>,
): Promise<DataExport> {
  return idempotently(gateway, caller, kind, input, async (remember) => {
    if (!(await mayExport(gateway, caller))) throw new NotOptedInError('admin-export');
    const now = new Date();
    const { format, parameters } = await parse(now);
    return inTransaction(gateway.prisma, async (tx) => {
      const created = await tx.dataExport.create({
        data: {
          ...{ sid: newSid('EX'), ...ownerColumns(caller), kind, format: format ?? 'csv' },
          ...{
            parameters: JSON.parse(JSON.stringify(parameters)) as Prisma.InputJsonObject,
            dateCreated: now,
            dateExpires: expiryOf(caller, now),
          },
        },
      });
      await remember(tx, created);
      return created;
    });
  });
}

async function requireEnterprise(gateway: Gateway, caller: Caller, enterpriseSid: string | undefined): Promise<void> {
  if (!enterpriseSid || (await findEnterprise(gateway, caller, enterpriseSid))) return;
  throw enterpriseNotFound(enterpriseSid, ['filter', 'enterpriseSid']);
}

/** A file that is written as it is read. */
interface ExportedFile {
  readonly name: string;
  readonly format: FileFormat;
  readonly pieces: AsyncGenerator<string>;
}

/** Opens an export as the caller who asked for it. No more than a page of rows is in memory at once. */
export function openExport(gateway: Gateway, caller: Caller, { kind, format: stored, parameters, dateCreated }: DataExport): ExportedFile {
  const format = stored as FileFormat;
  const day = dateCreated.toISOString().slice(0, 10);
  if (kind === 'exportPerson') {
    const person = parameters as unknown as Parameters<typeof personLines>[2];
    return { name: `person-${day}`, format, pieces: personLines(gateway, caller, person) };
  }
  if (kind === 'exportUsage') {
    const { from, to, ...query } = parameters as unknown as Omit<UsageQuery, 'from' | 'to'> & { from: string; to: string };
    const rows = usageRows(gateway, caller, { ...query, from: new Date(from), to: new Date(to) });
    return { name: `usage-${day}`, format, pieces: piecesOf(format, USAGE_COLUMNS, rows) };
  }
  const { filter, withBody } = parameters as { filter: Record<string, string>; withBody?: boolean };
  if (kind === 'exportMappings') {
    const rows = mappingRows(gateway, caller, filter as MappingExportFilter);
    return { name: `mappings-${day}`, format, pieces: piecesOf(format, MAPPING_COLUMNS, rows) };
  }
  const { createdFrom, createdTo, ...rest } = filter;
  const times = { createdFrom: createdFrom ? new Date(createdFrom) : undefined, createdTo: createdTo ? new Date(createdTo) : undefined };
  const columns = withBody ? [...MESSAGE_COLUMNS, 'body'] : MESSAGE_COLUMNS;
  const rows = messageRows(gateway, caller, { ...(rest as MessageExportFilter), ...times }, withBody ?? false);
  return { name: `messages-${day}`, format, pieces: piecesOf(format, columns, rows) };
}

async function* piecesOf(format: FileFormat, columns: readonly string[], pages: AsyncGenerator<FileRow[]>): AsyncGenerator<string> {
  let text = headOf(format, columns);
  for await (const rows of pages) {
    // Even if no row of a page is wanted: between two pieces, the reader can leave.
    yield text + rowsAsText(format, columns, rows);
    text = '';
  }
}

/** How long an export is kept after its link has expired, in ms. */
const KEPT_MS = 24 * 60 * 60_000;

/** Deletes exports whose links expired more than a day ago. */
export const purgeExports = (prisma: Gateway['prisma'], signal?: AbortSignal): Promise<number> =>
  deleteExpired(prisma, { table: 'data_export', column: 'date_expires' }, new Date(Date.now() - KEPT_MS), signal);
