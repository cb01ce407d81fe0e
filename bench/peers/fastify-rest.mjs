import Fastify from 'fastify';
import { organization, pool, port } from './statements.mjs';

// GET /msteams/messages/search as one would write it by hand for this answer alone. Its total is a number that somebody else keeps (bench_total);
// with ?count it counts the rows.

const ROWS = `
  SELECT sid, direction, type, "from", "to", channel_status AS "channelStatus", channel_error_code AS "channelErrorCode",
    channel_error_message AS "channelErrorMessage", restcomm_message_sid AS "restcommMessageSid", account_sid AS "accountSid",
    enterprise_sid AS "enterpriseSid", date_created AS "dateCreated", date_updated AS "dateUpdated"
  FROM message WHERE organization_sid = $1 ORDER BY date_created, sid LIMIT $2 OFFSET $3`;
const TOTAL = 'SELECT total FROM bench_total WHERE organization_sid = $1';
const COUNT = 'SELECT count(*)::int AS total FROM message WHERE organization_sid = $1';

const timestamp = (date) => `${date.toISOString().slice(0, 19)}+0000`;

const app = Fastify();
app.get('/msteams/messages/search', async ({ query }) => {
  const page = Number(query.page ?? 0);
  const pageSize = Number(query.pageSize ?? 10);
  const start = page * pageSize;
  const total = 'count' in query ? { name: 'count', text: COUNT } : { name: 'total', text: TOTAL };
  const [rows, totals] = await Promise.all([
    pool.query({ name: 'rows', text: ROWS, values: [organization, pageSize, start] }),
    pool.query({ ...total, values: [organization] }),
  ]);
  return { data: pageAnswer(rows.rows.map(answer), totals.rows[0].total, page, pageSize), code: 200, message: 'OK' };
});

function answer(row) {
  return {
    sid: row.sid,
    dateUpdated: timestamp(row.dateUpdated),
    dateCreated: timestamp(row.dateCreated),
    accountSid: row.accountSid,
    uri: `/msteams/messages/search/${row.sid}`,
    enterpriseSid: row.enterpriseSid,
    from: row.from,
    to: row.to,
    direction: row.direction,
    type: row.type,
    channelStatus: row.channelStatus,
    channelErrorCode: row.channelErrorCode ?? undefined,
    channelErrorMessage: row.channelErrorMessage ?? undefined,
    restcommMessageSid: row.restcommMessageSid ?? undefined,
  };
}

function pageAnswer(result, total, page, pageSize) {
  const numPages = Math.ceil(total / pageSize);
  const start = page * pageSize;
  const uri = (number) => `/msteams/messages/search/?pageSize=${pageSize}&page=${number}`;
  const previous = page > 0 ? uri(page - 1) : undefined;
  const next = page + 1 < numPages ? uri(page + 1) : undefined;
  return {
    result,
    pageSize,
    total,
    page,
    numPages,
    start,
    end: Math.max(0, Math.min(start + pageSize, total - 1)),
    firstPageUri: uri(0),
    previousPageUri: previous,
    previous_page_uri: previous,
    nextPageUri: next,
    next_page_uri: next,
    uri: uri(page),
  };
}

await app.listen({ port, host: '127.0.0.1' });
