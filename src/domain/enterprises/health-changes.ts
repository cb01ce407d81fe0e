import type { Bot, PrismaClient } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { belonging, enterprises } from '../confinement.ts';
import { enterpriseNotFound } from '../errors.ts';
import { normalizeSid } from '../sid.ts';

/** Reads the number of the last change of a bot's health in an organization. Lower numbers are committed before it. */
export async function lastHealthSeq(prisma: PrismaClient, organizationSid: string): Promise<bigint> {
  const found = await prisma.organization.findUnique({ where: { sid: organizationSid }, select: { botHealthSeq: true } });
  return found?.botHealthSeq ?? 0n;
}

/** Bots within a caller's reach, of one enterprise or of all. */
export interface BotsInReach {
  /** Reads those that are unhealthy and whose sid is greater than `after`, by sid, at most `limit`. */
  unhealthy(after: string, limit: number): Promise<Bot[]>;
  /** Reads those whose health has changed after a number, by the number, at most `limit`. */
  changed(after: bigint, limit: number): Promise<Bot[]>;
}

/** @throws NotFoundError ENTERPRISE_NOT_FOUND */
export async function botsInReach(prisma: PrismaClient, caller: Caller, enterpriseSid?: string): Promise<BotsInReach> {
  const sid = enterpriseSid === undefined ? undefined : normalizeSid(enterpriseSid);
  if (sid !== undefined) {
    const found = await prisma.enterprise.findFirst({ where: { sid, ...enterprises(caller) }, select: { sid: true } });
    if (!found) throw enterpriseNotFound(sid, ['enterpriseSid']);
  }
  const of = sid === undefined ? {} : { enterpriseSid: sid };
  return {
    unhealthy: (after, take) =>
      prisma.bot.findMany({ where: { ...belonging(caller), ...of, unhealthy: true, sid: { gt: after } }, orderBy: { sid: 'asc' }, take }),
    changed: (after, take) =>
      prisma.bot.findMany({ where: { ...belonging(caller), ...of, healthSeq: { gt: after } }, orderBy: { healthSeq: 'asc' }, take }),
  };
}
