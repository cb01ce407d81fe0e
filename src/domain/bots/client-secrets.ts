import type { Bot } from '../../../prisma/client/client.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { SealError } from '../secrets.ts';

/**
 * The columns that hold a client secret; an empty one for a bot without.
 * @throws InvalidInputError for a mask: a client that sends back what it was shown of a former secret would replace the present one by it
 */
export function sealed({ secrets }: Gateway, sid: string, clientSecret: string) {
  if (/^\s*•{4}/.test(clientSecret)) throw invalidParameter(['clientSecret'], 'must be a secret, not the mask of another one');
  return { clientSecret: new Uint8Array(secrets.seal(clientSecret, sid)), clientSecretHint: hintOf(clientSecret) };
}

/** The end of a secret to recognize it by: four characters, but never more than half of it. */
export function hintOf(secret: string): string {
  const characters = Array.from(secret);
  return characters.slice(characters.length - Math.min(4, Math.floor(characters.length / 2))).join('');
}

/** Whether the bot has this client secret already: the text is the mask of the stored one, or equal to it. */
export function isStored({ secrets }: Gateway, bot: Bot, clientSecret: string): boolean {
  if (clientSecret.trim() === masked(bot.clientSecretHint).trim()) return true;
  try {
    return secrets.open(bot.clientSecret, bot.sid) === clientSecret;
  } catch (error) {
    // Its key is lost: any secret that is given replaces it.
    if (error instanceof SealError) return false;
    throw error;
  }
}

/** The mask that stands for a secret: bullets and its hint. */
const masked = (hint: string) => `••••${hint}`;
