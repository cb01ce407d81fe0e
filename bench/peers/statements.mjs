import pg from 'pg';

// The SQL of the peers that write their own, prepared once a connection, and the answers made of it.

export const { DATABASE_URL, ORGANIZATION_SID: organization } = process.env;
export const port = Number(process.env.PORT);
/** As many connections as the gateway has. */
export const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });

const MESSAGES = `
  SELECT sid, direction, type, "from", "to", body, segments, channel_status AS "channelStatus", account_sid AS "accountSid",
    enterprise_sid AS "enterpriseSid", date_created AS "dateCreated", date_updated AS "dateUpdated"
  FROM message WHERE organization_sid = $1 ORDER BY date_created, sid LIMIT $2`;
const ENTERPRISES = `
  SELECT sid, name, status, date_created AS "dateCreated" FROM enterprise WHERE organization_sid = $1 ORDER BY date_created, sid LIMIT $2`;
const MAPPINGS = `
  SELECT m.sid, m.name, m.microsoft_address AS "microsoftAddress", m.external_address AS "externalAddress", m.enterprise_sid AS "enterpriseSid"
  FROM unnest($2::text[]) WITH ORDINALITY AS e (sid, place) CROSS JOIN LATERAL (
    SELECT * FROM mapping WHERE organization_sid = $1 AND enterprise_sid = e.sid ORDER BY date_created, sid LIMIT $3
  ) m ORDER BY e.place, m.date_created, m.sid`;

const rowsOf = async (name, text, values) => (await pool.query({ name, text, values })).rows;

/** One more row than asked for tells whether there is a next page. */
function pageOf(rows, first) {
  const nodes = rows.slice(0, first);
  const last = nodes.at(-1);
  const endCursor = last ? Buffer.from(JSON.stringify([last.dateCreated.getTime(), last.sid])).toString('base64url') : null;
  return { nodes, pageInfo: { hasNextPage: rows.length > first, endCursor } };
}

export const messages = async (first) => pageOf(await rowsOf('messages', MESSAGES, [organization, first + 1]), first);

export const enterprises = async (first) => pageOf(await rowsOf('enterprises', ENTERPRISES, [organization, first + 1]), first);

/** The first mappings of each of these enterprises, as one list a sid. */
export async function mappingsOf(sids, first) {
  const bySid = new Map(sids.map((sid) => [sid, []]));
  for (const row of await rowsOf('mappings', MAPPINGS, [organization, sids, first])) bySid.get(row.enterpriseSid).push(row);
  return sids.map((sid) => bySid.get(sid));
}
