import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Mapping } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import { belonging } from '../domain/confinement.ts';
import { resolveMappingUsers } from '../domain/enterprises/mapping-users.ts';
import { smsWebhook } from '../domain/enterprises/webhooks.ts';
import type { Gateway } from '../domain/gateway.ts';
import { fold } from '../domain/text.ts';
import { readBytes } from '../server/read-body.ts';
import { receiveFromTeams } from './from-teams.ts';

/** Where somebody may play the phone, or the Teams user, of a platform that is the embedded stand-in. */
export const STAND_IN = '/stand-in/';

const MAX_BODY_BYTES = 256 * 1024;

const text = z
  .string()
  .min(1)
  .max(1600)
  .refine((value) => !value.includes('\0') && value.isWellFormed());
const smsInput = z.object({ from: text, to: text, body: text, mediaUrls: z.array(text).max(10).default([]) });
const teamsInput = z.object({ microsoftAddress: text, text });

export interface StandIn {
  /** Which platforms are stood in for. */
  readonly carrier: boolean;
  readonly teams: boolean;
  /** The gateway's own handler: what the carrier would post comes in by the same door. */
  readonly fetch: (request: Request) => Promise<Response>;
}

/**
 * `POST /stand-in/sms {from, to, body}`: a phone texts a mapped number. `POST /stand-in/teams {microsoftAddress, text}`: a Teams user writes to their bot.
 * For trying the gateway out: with the caller's credentials, for the caller's mappings, and only where the platform is the stand-in.
 */
export async function standIn(gateway: Gateway, options: StandIn, caller: Caller, request: Request): Promise<Response> {
  const kind = new URL(request.url).pathname.slice(STAND_IN.length);
  if (request.method !== 'POST') return answer(405, 'Method not allowed');
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return answer(413, `The body must have at most ${MAX_BODY_BYTES} bytes`);
  const body = jsonOf(bytes.toString());
  if (kind === 'sms' && options.carrier) return playPhone(gateway, options, caller, body);
  if (kind === 'teams' && options.teams) return playTeamsUser(gateway, caller, body);
  return answer(404, 'This platform is not stood in for');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function playPhone(gateway: Gateway, { fetch }: StandIn, caller: Caller, body: unknown): Promise<Response> {
  const { success, data: sms } = smsInput.safeParse(body);
  if (!success) return answer(400, 'from, to and body are mandatory');
  const mapping = await gateway.prisma.mapping.findFirst({ where: { ...belonging(caller), externalDigits: sms.to.replace('+', '') } });
  if (!mapping) return answer(404, `${sms.to} is not one of your mapped numbers`);
  const form = new URLSearchParams({ SmsSid: `SM${randomUUID().replaceAll('-', '')}`, From: sms.from, To: sms.to, Body: sms.body });
  sms.mediaUrls.forEach((url, index) => {
    form.set(`MediaUrl${index}`, url);
  });
  const { ok } = await fetch(new Request(smsWebhook(gateway, mapping.sid), { method: 'POST', body: form }));
  return ok ? answer(200, 'The SMS is on its way') : answer(502, 'The webhook refused the SMS');
}

async function playTeamsUser(gateway: Gateway, caller: Caller, body: unknown): Promise<Response> {
  const { success, data: written } = teamsInput.safeParse(body);
  if (!success) return answer(400, 'microsoftAddress and text are mandatory');
  const address = { ...belonging(caller), microsoftAddressFolded: fold(written.microsoftAddress) };
  const find = () => gateway.prisma.mapping.findFirst({ where: address, include: { enterprise: { include: { bot: true } } } });
  let mapping = await find();
  if (!mapping) return answer(404, `${written.microsoftAddress} has no mapping of yours`);
  if (!mapping.enterprise.bot) return answer(409, 'The enterprise has no bot');
  if (!mapping.microsoftObjectId) {
    await resolveMappingUsers(gateway);
    mapping = await find();
  }
  if (!mapping?.microsoftObjectId || !mapping.enterprise.bot) return answer(409, "The user is not one of the bot's tenant");
  const { applicationId, tenantId } = mapping.enterprise.bot;
  await receiveFromTeams(gateway, applicationId, activityOf(mapping, mapping.microsoftObjectId, tenantId, written.text));
  return answer(200, 'The text is on its way');
}

/** As the Bot Framework would send it. */
const activityOf = (mapping: Mapping, aadObjectId: string, tenantId: string, text: string) => ({
  type: 'message',
  id: randomUUID(),
  text,
  serviceUrl: 'https://stand-in.invalid/',
  channelId: 'msteams',
  from: { id: `29:${aadObjectId}`, aadObjectId },
  conversation: { id: `stand-in:${mapping.enterpriseSid}:${aadObjectId}`, tenantId, conversationType: 'personal' },
});

const answer = (status: number, message: string) => Response.json({ message }, { status });
