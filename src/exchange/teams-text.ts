/** A parsed text that a Teams user wrote to the bot. */
interface TeamsText {
  /** Which of the user's own numbers to send from: `from +<number>`. */
  readonly own?: string;
  /** The number to send to: `+<number>`. If absent, the last one. */
  readonly target?: string;
  readonly body: string;
}

/**
 * Parses `[from +<own number>] [+<number>] <text>`. A number ends at the first white space and may contain `( ) . / -`. Mentions of the bot
 * are removed.
 */
export function parseText(written: string): TeamsText {
  let rest = unescapeMarkup(written.replace(/<at>[^<]*<\/at>/gi, '')).trim();
  const own = /^from\s+(\+[0-9()./-]+)(?:\s+|$)/i.exec(rest);
  if (own) rest = rest.slice(own[0].length);
  const target = /^(\+[0-9()./-]+)(?:\s+|$)/.exec(rest);
  if (target) rest = rest.slice(target[0].length);
  return { own: digits(own?.[1]), target: digits(target?.[1]), body: rest.trim() };
}

const digits = (number: string | undefined) => number && `+${number.replace(/[^0-9]/g, '')}`;

/** Undoes Teams' escaping: a message's text is HTML. */
const unescapeMarkup = (text: string) =>
  text
    .replace(/&nbsp;/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');
