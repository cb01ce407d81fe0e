/** What a Teams user wrote to the bot. */
export interface TeamsText {
  /** `from +<own number> …`: by which of their numbers. */
  readonly own?: string;
  /** `+<number> …`: to whom. Absent: whoever it was last. */
  readonly target?: string;
  readonly body: string;
}

/**
 * Reads `[from +<own number>] [+<number>] <text>`. A number ends at the first white space and may hold `( ) . / -`. Mentions of the bot are
 * dropped.
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

/** Teams escapes what would be markup. */
const unescapeMarkup = (text: string) =>
  text
    .replace(/&nbsp;/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');
