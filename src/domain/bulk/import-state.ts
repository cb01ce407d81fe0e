import { type MappingImport, Prisma } from '../../../prisma/client/client.ts';
import type { Gateway } from '../gateway.ts';
import { allCounts, type CountedImport, type ImportRowStatus, isInterrupted } from './imports.ts';

const COLUMNS = Object.values(Prisma.MappingImportScalarFieldEnum).map(
  (field) => `${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} AS "${field}"`,
);
const STATE = `SELECT ${COLUMNS.join(', ')}, (
    SELECT jsonb_object_agg(status, count ORDER BY status)::text FROM (
      SELECT status, count(*) AS count FROM mapping_import_row WHERE import_sid = $2 AND upload = mapping_import.upload GROUP BY status
    ) AS counted
  ) AS counts
  FROM mapping_import WHERE organization_sid = $1 AND sid = $2`;

/** An import as its followers see it. */
export interface ImportState {
  readonly row: CountedImport;
  /** Differs as soon as the import does, or the number of its rows in a status. */
  readonly key: string;
}

/** Reads an import and the numbers of its rows, by one statement. */
export async function readImportState(
  sql: Pick<Gateway['sql'], 'read'>,
  { organizationSid, sid }: Pick<MappingImport, 'organizationSid' | 'sid'>,
): Promise<ImportState | undefined> {
  const [found] = await sql.read<MappingImport & { counts: string | null }>(STATE, [organizationSid, sid]);
  if (!found) return undefined;
  const { counts: text, ...row } = found;
  const { holder: _, heldUntil: __, ...visible } = row;
  const counts = text === null ? {} : (JSON.parse(text) as Partial<Record<ImportRowStatus, number>>);
  return { row: { ...row, counts: allCounts((status) => counts[status]) }, key: JSON.stringify([visible, isInterrupted(row), text]) };
}

/** Whether an import waits for somebody: it was checked, or has run, or was never uploaded until its link expired. */
export function isAtEnd({ status, dateExpires, heldUntil }: MappingImport): boolean {
  const now = new Date();
  if (status === 'AWAITING_UPLOAD') return dateExpires <= now && !(heldUntil && heldUntil > now);
  return status === 'CHECKED' || status === 'COMPLETED' || status === 'FAILED';
}
