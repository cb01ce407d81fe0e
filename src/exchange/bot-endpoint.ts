import type { Gateway } from '../domain/gateway.ts';
import { KeysUnavailableError } from '../platforms/microsoft/bot-framework-keys.ts';
import { BotFrameworkRefusal, type BotFrameworkVerifier } from '../platforms/microsoft/bot-framework-tokens.ts';
import { readBytes } from '../server/read-body.ts';
import { activitySchema } from './activity.ts';
import { receiveFromTeams } from './from-teams.ts';

/** Where the Bot Framework posts activities. */
export const BOT_ENDPOINT = '/api/messages';

const MAX_ACTIVITY_BYTES = 256 * 1024;

/**
 * The Bot Framework's requests. 200 once what came is committed; 400 or 413 for what is no activity, 403 for a request that is not provably
 * Microsoft's, 503 while that can't be checked, so that it is sent again.
 */
export async function botEndpoint(gateway: Gateway, verifier: BotFrameworkVerifier, request: Request): Promise<Response> {
  if (request.method !== 'POST') return answer(405, { allow: 'POST' });
  const bytes = await readBytes(request, MAX_ACTIVITY_BYTES);
  if (!bytes) return answer(413);
  const parsed = activitySchema.safeParse(jsonOf(bytes.toString('utf8')));
  if (!parsed.success) return answer(400);
  const activity = parsed.data;
  try {
    const { applicationId } = await verifier.verify(request.headers.get('authorization'), activity);
    await receiveFromTeams(gateway, applicationId, activity);
    return answer(200);
  } catch (error) {
    if (error instanceof BotFrameworkRefusal) {
      gateway.log.warn({ reason: error.reason }, 'a request to the bot endpoint was refused');
      return answer(403);
    }
    if (!(error instanceof KeysUnavailableError)) throw error;
    gateway.log.error({ err: error }, 'the keys of the Bot Framework can not be had');
    return answer(503);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const answer = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers });
