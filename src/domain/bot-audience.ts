import type { Sql } from '../database/sql.ts';

/** Whether there is a bot of this application. Applications have GUIDs, whose case means nothing. */
export async function hasBotOf(sql: Sql, applicationId: string): Promise<boolean> {
  const text = 'SELECT 1 FROM bot WHERE lower(application_id) = lower($1) LIMIT 1';
  // The column has the database's own collation, which the type varchar keeps.
  const rows = await sql.readTogether({ text, values: [applicationId], types: ['varchar'], maxRows: 1 });
  return rows.length > 0;
}
