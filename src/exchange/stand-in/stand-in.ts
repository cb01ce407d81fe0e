import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Mapping } from '../../../prisma/client/client.ts';
import type { Caller } from '../../domain/caller.ts';
import { belonging } from '../../domain/confinement.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { resolveMappingUsers } from '../../domain/mappings/mapping-users.ts';
import { smsWebhook } from '../../domain/mappings/webhooks.ts';
import { comparedForm } from '../../domain/values/phone-numbers.ts';
import { fold } from '../../domain/values/text.ts';
import { parseJson } from '../../json.ts';
import type { Cloud } from '../../platforms/microsoft/clouds.ts';
import { targetOf } from '../../server/node-request.ts';
import { decodeUtf8, readBytes } from '../../server/read-body.ts';
import { isStorableText } from '../storable-text.ts';
import { receiveFromTeams } from '../teams/from-teams.ts';
import { type Activity, activitySchema } from '../teams/reading/activity.ts';

/** The path prefix under which callers may play the phone, or the Teams user, of an embedded platform. */
export const STAND_IN = '/stand-in/';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_TEXT = 1600;

const text = z
  .string()
  .min(1)
  .refine((value) => isStorableText(value, MAX_TEXT));
const smsInput = z.object({ from: text, to: text, body: text, mediaUrls: z.array(text).max(10).default([]) });
const teamsInput = z.object({ microsoftAddress: text, text });

export interface StandInOptions {
  /** Whether Restcomm is the embedded stand-in. */
  readonly carrier: boolean;
  /** Whether Microsoft is the embedded stand-in. */
  readonly teams: boolean;
  /** The gateway's own handler: an SMS arrives through the same webhook as Restcomm's. */
  readonly fetch: (request: Request) => Promise<Response>;
}

/**
 * Handles `POST /stand-in/sms {from, to, body, mediaUrls?}`, which sends an SMS to a mapped number, and
 * `POST /stand-in/teams {microsoftAddress, text}`, which writes to the bot as a Teams user. For trying out the gateway: only the caller's
 * own mappings, and only where the platform is the embedded stand-in.
 * @returns JSON `{message}` with 200, 400, 404, 405, 409, 413 or 502
 */
export async function standIn(gateway: Gateway, options: StandInOptions, caller: Caller, request: Request): Promise<Response> {
  const kind = targetOf(request).pathname.slice(STAND_IN.length);
  if (request.method !== 'POST') return respond(405, 'Method not allowed');
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return respond(413, `The body must have at most ${MAX_BODY_BYTES} bytes`);
  const body = parseJson(decodeUtf8(bytes) ?? '');
  if (kind === 'sms' && options.carrier) return playPhone(gateway, options, caller, body);
  if (kind === 'teams' && options.teams) return playTeamsUser(gateway, caller, body);
  return respond(404, 'There is no embedded stand-in for this platform');
}

async function playPhone(gateway: Gateway, { fetch }: StandInOptions, caller: Caller, body: unknown): Promise<Response> {
  const { success, data: sms } = smsInput.safeParse(body);
  if (!success) return respond(400, 'from, to and body are mandatory');
  const mapping = await gateway.prisma.mapping.findFirst({ where: { ...belonging(caller), externalDigits: comparedForm(sms.to) } });
  if (!mapping) return respond(404, `${sms.to} is not one of your mapped numbers`);
  const form = new URLSearchParams({ SmsSid: `SM${randomUUID().replaceAll('-', '')}`, From: sms.from, To: sms.to, Body: sms.body });
  sms.mediaUrls.forEach((url, index) => {
    form.set(`MediaUrl${index}`, url);
  });
  const { ok } = await fetch(new Request(smsWebhook(gateway, mapping.sid), { method: 'POST', body: form }));
  return ok ? respond(200, 'The SMS was accepted') : respond(502, 'The webhook refused the SMS');
}

async function playTeamsUser(gateway: Gateway, caller: Caller, body: unknown): Promise<Response> {
  const { success, data: written } = teamsInput.safeParse(body);
  if (!success) return respond(400, 'microsoftAddress and text are mandatory');
  const address = { ...belonging(caller), microsoftAddressFolded: fold(written.microsoftAddress) };
  const find = () => gateway.prisma.mapping.findFirst({ where: address, include: { enterprise: { include: { bot: true } } } });
  let mapping = await find();
  if (!mapping) return respond(404, `You have no mapping of ${written.microsoftAddress}`);
  if (!mapping.enterprise.bot) return respond(409, 'The enterprise has no bot');
  if (!mapping.microsoftObjectId) {
    await resolveMappingUsers(gateway);
    mapping = await find();
  }
  if (!mapping?.microsoftObjectId || !mapping.enterprise.bot) return respond(409, "The user is not in the bot's tenant");
  const { applicationId, cloud, tenantId } = mapping.enterprise.bot;
  const audience = { applicationId, clouds: [cloud as Cloud] };
  await receiveFromTeams(gateway, audience, activityOf(mapping, mapping.microsoftObjectId, tenantId, written.text));
  return respond(200, 'The text was accepted');
}

/** Builds the activity that the Bot Framework would send. */
const activityOf = (mapping: Mapping, aadObjectId: string, tenantId: string, text: string): Activity =>
  activitySchema.parse({
    type: 'message',
    id: randomUUID(),
    text,
    textFormat: 'plain',
    serviceUrl: 'https://stand-in.invalid/',
    channelId: 'msteams',
    from: { id: `29:${aadObjectId}`, aadObjectId },
    conversation: { id: `stand-in:${mapping.enterpriseSid}:${aadObjectId}`, tenantId, conversationType: 'personal' },
  });

const respond = (status: number, message: string) => Response.json({ message }, { status });
