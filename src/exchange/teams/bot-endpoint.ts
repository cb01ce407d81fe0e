import type { Gateway } from '../../domain/gateway.ts';
import { parseJson } from '../../json.ts';
import { BotFrameworkRefusal, type BotFrameworkVerifier } from '../../platforms/microsoft/bot-framework-tokens.ts';
import { KeysUnavailableError } from '../../platforms/microsoft/signing-keys.ts';
import type { AnyRequest } from '../../server/node-request.ts';
import { decodeUtf8, readBytes } from '../../server/read-body.ts';
import { TextResponse } from '../../server/text-response.ts';
import { receiveFromTeams } from './from-teams.ts';
import { activitySchema } from './reading/activity.ts';

/** The path that the Bot Framework posts activities to: an Azure bot's messaging endpoint. */
export const BOT_ENDPOINT = '/api/messages';

const MAX_ACTIVITY_BYTES = 256 * 1024;

/**
 * Handles a request to the bot endpoint.
 * @returns 200 once the activity is committed, with a body for a card's button; 501 for an invoke that the bot has no use for; 400 if it is no
 *   activity, 403 if the request is not proven to be the Bot Framework's, 405, 413, and 503 while its signing keys cannot be fetched, so that the
 *   Bot Framework sends it again
 */
export async function botEndpoint(gateway: Gateway, verifier: BotFrameworkVerifier, request: AnyRequest): Promise<TextResponse> {
  if (request.method !== 'POST') return respond(405, { allow: 'POST' });
  const bytes = await readBytes(request, MAX_ACTIVITY_BYTES);
  if (!bytes) return respond(413);
  const parsed = activitySchema.safeParse(parseJson(decodeUtf8(bytes) ?? ''));
  if (!parsed.success) return respond(400);
  const activity = parsed.data;
  try {
    const audience = await verifier.verify(request.headers.get('authorization'), activity);
    const { status, body } = await receiveFromTeams(gateway, audience, activity);
    return body ? new TextResponse(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } }) : respond(status);
  } catch (error) {
    if (error instanceof BotFrameworkRefusal) {
      gateway.log.warn({ reason: error.reason }, 'bot endpoint refused a request');
      return respond(403);
    }
    if (!(error instanceof KeysUnavailableError)) throw error;
    gateway.log.error({ err: error }, "cannot fetch the Bot Framework's signing keys");
    return respond(503);
  }
}

const respond = (status: number, headers: Record<string, string> = {}) => new TextResponse(null, { status, headers });
