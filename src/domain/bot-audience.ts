import type { Sql } from '../database/sql.ts';
import type { Cloud } from '../platforms/microsoft/clouds.ts';

/** Whether there is a bot of this application in one of these clouds. Applications have GUIDs, whose case means nothing. */
export async function hasBotOf(sql: Sql, applicationId: string, clouds: readonly Cloud[]): Promise<boolean> {
  const text = "SELECT 1 FROM bot WHERE lower(application_id) = lower($1) AND cloud = ANY (string_to_array($2, ' ')) LIMIT 1";
  // The column has the database's own collation, which the type varchar keeps.
  const rows = await sql.readTogether({ text, values: [applicationId, clouds.join(' ')], types: ['varchar', 'varchar'], maxRows: 1 });
  return rows.length > 0;
}
