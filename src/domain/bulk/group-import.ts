import { Readable } from 'node:stream';
import * as z from 'zod';
import type { MappingImport } from '../../../prisma/client/client.ts';
import type { GroupMember } from '../../platforms/microsoft/microsoft.ts';
import { credentialsOf } from '../bots/bots.ts';
import type { Caller } from '../caller.ts';
import { NotFoundError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { invalidParameter, type Keyed, mandatory, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { toE164 } from '../values/phone-numbers.ts';
import { type ImportedRow, MAX_ROWS } from './import-file.ts';
import { createImport, requireImportable, storeRows } from './imports.ts';

/** Which of a user's numbers in Microsoft Entra is the one for SMS. */
export const numberSources = ['mobile', 'business', 'mobile-or-business', 'business-or-mobile'] as const;
export type NumberSource = (typeof numberSources)[number];

const input = z.object({
  enterpriseSid: mandatory(),
  groupId: mandatory().refine(
    (given) => given === '' || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given),
    'must be the object id of a group: a GUID',
  ),
  numbers: z.enum(numberSources).nullish(),
});
type MappingsFromGroupInput = z.input<typeof input> & Keyed;

/**
 * Prepares an import of the members of a Microsoft Entra group who have a phone number there. As a file's, its rows are checked, and created only when the
 * import is run.
 * @throws InvalidInputError, also if nobody in the group has a number; NotFoundError ENTERPRISE_NOT_FOUND, BOT_NOT_FOUND; ConflictError ENTERPRISE_CLOSED,
 *   TOO_MANY_IMPORTS; PlatformError; NotOptedInError
 */
export function mappingsFromGroup(gateway: Gateway, caller: Caller, given: MappingsFromGroupInput): Promise<MappingImport> {
  return idempotently(gateway, caller, 'mappingsFromGroup', given, async (remember) => {
    const { enterpriseSid, groupId, numbers } = parseInput(input, given);
    await requireImportable(gateway, caller, enterpriseSid);
    const bot = await gateway.prisma.bot.findUnique({ where: { enterpriseSid } });
    if (!bot) {
      throw new NotFoundError('BOT_NOT_FOUND', 'The enterprise has no bot to ask Microsoft with', {
        value: enterpriseSid,
        path: ['enterpriseSid'],
      });
    }
    // Before anything is stored: Graph may refuse.
    const rows = await rowsOf(gateway.microsoft.groupMembers(credentialsOf(gateway, bot), groupId), numbers ?? 'mobile-or-business');
    if (rows.length === 0) throw invalidParameter(['groupId'], 'has no members with a phone number', groupId);
    const created = await createImport(gateway, caller, enterpriseSid, async () => {});
    try {
      await storeRows(gateway, created, Readable.from(rows));
      return await inTransaction(gateway.prisma, async (tx) => {
        const stored = await tx.mappingImport.findUniqueOrThrow({ where: { sid: created.sid } });
        await remember(tx, stored);
        return stored;
      });
    } catch (error) {
      await gateway.prisma.mappingImport.deleteMany({ where: { sid: created.sid, organizationSid: caller.organizationSid } });
      throw error;
    }
  });
}

async function rowsOf(members: AsyncIterable<GroupMember>, source: NumberSource): Promise<ImportedRow[]> {
  const rows: ImportedRow[] = [];
  for await (const member of members) {
    const number = numberOf(member, source);
    if (number === undefined) continue;
    if (rows.length === MAX_ROWS) throw invalidParameter(['groupId'], `has more than ${MAX_ROWS} members with a phone number`);
    const { displayName: name = '', userPrincipalName: microsoftAddress, usageLocation } = member;
    const externalAddress = toE164(number, usageLocation) ?? number;
    rows.push({ line: rows.length + 1, name: name.slice(0, 255), microsoftAddress, externalAddress });
  }
  return rows;
}

function numberOf({ mobilePhone, businessPhones }: GroupMember, source: NumberSource): string | undefined {
  const [mobile, business] = [mobilePhone, ...businessPhones].map((number) => number?.trim() || undefined);
  if (source === 'mobile') return mobile;
  if (source === 'business') return business;
  return source === 'mobile-or-business' ? (mobile ?? business) : (business ?? mobile);
}
