import { type Bot, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { columnList } from '../../database/lists/select.ts';
import type { Caller } from '../caller.ts';
import { enterprises } from '../confinement.ts';
import { enterpriseNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { normalizeSid } from '../values/sid.ts';

/** The part of Sql that reads the health of bots. */
export type HealthReader = Pick<Gateway['sql'], 'read'>;

/** The bots that a caller follows: of one enterprise, or of all. */
export interface BotReach {
  readonly organizationSid: string;
  readonly enterpriseSid: string | undefined;
}

/** @throws NotFoundError ENTERPRISE_NOT_FOUND */
export async function botReachOf(prisma: PrismaClient, caller: Caller, enterpriseSid?: string): Promise<BotReach> {
  const { organizationSid } = caller;
  if (enterpriseSid === undefined) return { organizationSid, enterpriseSid: caller.enterpriseSid };
  const sid = normalizeSid(enterpriseSid);
  const found = await prisma.enterprise.findFirst({ where: { sid, ...enterprises(caller) }, select: { sid: true } });
  if (!found) throw enterpriseNotFound(sid, ['enterpriseSid']);
  return { organizationSid, enterpriseSid: sid };
}

const COLUMNS = columnList(Object.values(Prisma.BotScalarFieldEnum));
const CHANGED = `SELECT ${COLUMNS} FROM bot WHERE organization_sid = $1 AND health_seq > $2 ORDER BY health_seq LIMIT $3`;
const UNHEALTHY = `SELECT ${COLUMNS} FROM bot WHERE organization_sid = $1 AND unhealthy AND sid > $2 ORDER BY sid LIMIT $3`;
const UNHEALTHY_OF_ENTERPRISE = `SELECT ${COLUMNS} FROM bot
  WHERE organization_sid = $1 AND unhealthy AND sid > $2 AND enterprise_sid = $4 ORDER BY sid LIMIT $3`;

/** The last change of a bot's health in an organization. */
export interface HealthHead {
  /** Its number. Lower numbers are committed before it. */
  readonly seq: bigint;
  /** The run of the server and the database that told it. Another one may have numbered other changes: it took over, or is of a backup. */
  readonly source: string;
}

const HEAD = `SELECT bot_health_seq AS seq, extract(epoch FROM pg_postmaster_start_time())::text || ' ' || (
    SELECT oid FROM pg_database WHERE datname = current_database()
  ) AS source FROM organization WHERE sid = $1`;

/** Reads the last change of a bot's health in an organization. */
export async function lastHealthChange(sql: HealthReader, organizationSid: string): Promise<HealthHead> {
  const [found] = await sql.read<{ seq: unknown; source: string }>(HEAD, [organizationSid]);
  return { seq: BigInt(String(found?.seq ?? 0)), source: found?.source ?? '' };
}

/** Reads the bots of an organization whose health has changed after the change `after`, in the order of the changes, at most `limit`. */
export async function changedBots(sql: HealthReader, organizationSid: string, after: bigint, limit: number): Promise<Bot[]> {
  return (await sql.read<Bot>(CHANGED, [organizationSid, after, limit])).map(botOf);
}

/** Reads the bots in reach that are unhealthy and whose sid is greater than `after`, by sid, at most `limit`. */
export async function unhealthyBots(
  sql: HealthReader,
  { organizationSid, enterpriseSid }: BotReach,
  after: string,
  limit: number,
): Promise<Bot[]> {
  const values = [organizationSid, after, limit];
  const rows = await (enterpriseSid === undefined
    ? sql.read<Bot>(UNHEALTHY, values)
    : sql.read<Bot>(UNHEALTHY_OF_ENTERPRISE, [...values, enterpriseSid]));
  return rows.map(botOf);
}

/** The database's client returns a bigint as text. */
const botOf = (row: Bot): Bot => ({ ...row, healthSeq: BigInt(String(row.healthSeq)) });
