import type { Bot } from '../../../prisma/client/client.ts';
import type { BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import type { Gateway } from '../gateway.ts';
import { listCredentials } from './bot-credentials.ts';
import { credentialsOf } from './bots.ts';

/** When one of a bot's credentials ends. */
export interface End {
  /** The further credential; absent for the client secret. */
  readonly sid?: string;
  readonly what: string;
  /** Absent if it is not known. */
  readonly expires?: Date;
  readonly added: Date;
}

/** How long before a credential ends its bot's health warns, in ms. */
const WARN_BEFORE_MS = 30 * 24 * 60 * 60_000;

/** The credentials that end within 30 days. */
export interface EndingSoon {
  /** Says when each of them ends; empty if none does. */
  readonly words: string;
  /** Whether another one goes on: it lasts longer, or its end is not known and it was added after the last of them, to replace it. */
  readonly hasSuccessor: boolean;
}

/** Finds the credentials that end soon, the first to end first. */
export function endingSoon(ends: readonly End[], now: number): EndingSoon {
  const until = now + WARN_BEFORE_MS;
  const known = ends.flatMap((end) => (end.expires ? [{ ...end, expires: end.expires }] : []));
  const soon = known
    .filter(({ expires }) => expires.getTime() <= until)
    .sort((one, other) => one.expires.getTime() - other.expires.getTime());
  const last = soon.at(-1);
  return {
    words: soon.map(({ what, expires }) => `${what} ends on ${expires.toISOString().slice(0, 10)}.`).join(' '),
    hasSuccessor: last !== undefined && ends.some(({ expires, added }) => (expires ? expires.getTime() > until : added > last.added)),
  };
}

/**
 * When the credentials of a bot end, as far as that is known: by certificates, inputs and Graph.
 * @returns `undefined` if Graph did not respond, which may know more
 */
export async function endsOf(gateway: Gateway, bot: Bot): Promise<End[] | undefined> {
  const credentials = credentialsOf(gateway, bot);
  const [further = []] = await listCredentials(gateway, [bot]);
  const ends = further.map(({ sid, kind, name, hint, thumbprint, dateExpires, dateCreated }): End => {
    const what = kind === 'SECRET' ? `The secret ${name ?? `••••${hint}`}` : `The certificate ${name ?? thumbprint?.slice(0, 8)}`;
    return { sid, what, expires: dateExpires ?? undefined, added: dateCreated };
  });
  if (credentials.clientSecret !== '') {
    const what = `The client secret ••••${bot.clientSecretHint}`;
    ends.push({ what, expires: bot.clientSecretExpires ?? undefined, added: bot.clientSecretAdded ?? bot.dateCreated });
  }
  return ends.every(({ expires }) => expires) ? ends : withEndsByGraph(gateway, credentials, ends);
}

/** Adds the ends of secrets that Graph tells, which knows them by their first three characters. */
async function withEndsByGraph({ microsoft }: Gateway, credentials: BotCredentials, ends: readonly End[]): Promise<End[] | undefined> {
  const [dates, further] = await Promise.all([microsoft.secretDates(credentials), credentials.further?.load()]);
  if (!dates) return undefined;
  return ends.map((end) => {
    const own = further?.find(({ sid }) => sid === end.sid);
    const secret = end.sid === undefined ? credentials.clientSecret : own?.kind === 'SECRET' ? own.secret : '';
    const found = dates.filter(({ hint }) => hint && secret.startsWith(hint)).map(({ expires }) => expires.getTime());
    return end.expires || found.length === 0 ? end : { ...end, expires: new Date(Math.max(...found)) };
  });
}
