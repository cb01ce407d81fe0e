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

/**
 * The credential by whose end a bot stops: the last to end.
 * @returns `undefined` if none has a known end, or one without was added after it, to replace it
 */
export function lastEnd(ends: readonly End[]): (End & { readonly expires: Date }) | undefined {
  const known = ends.flatMap((end) => (end.expires ? [{ ...end, expires: end.expires }] : []));
  const [last] = known.sort((one, other) => other.expires.getTime() - one.expires.getTime());
  return last && ends.some(({ expires, added }) => !expires && added > last.added) ? undefined : last;
}

/** When the credentials of a bot end, as far as that is known: by certificates, inputs and Graph. */
export async function endsOf(gateway: Gateway, bot: Bot): Promise<End[]> {
  const credentials = credentialsOf(gateway, bot);
  const [further = []] = await listCredentials(gateway, [bot]);
  const ends = further.map(({ sid, kind, name, hint, thumbprint, dateExpires, dateCreated }): End => {
    const what = kind === 'SECRET' ? `The secret ${name ?? `••••${hint}`}` : `The certificate ${name ?? thumbprint?.slice(0, 8)}`;
    return { sid, what, expires: dateExpires ?? undefined, added: dateCreated };
  });
  if (credentials.clientSecret !== '') {
    const what = `The client secret ••••${bot.clientSecretHint}`;
    ends.push({ what, expires: bot.clientSecretExpires ?? undefined, added: bot.dateCreated });
  }
  return ends.every(({ expires }) => expires) ? ends : withEndsByGraph(gateway, credentials, ends);
}

/** Adds the ends of secrets that Graph tells, which knows them by their first three characters. */
async function withEndsByGraph({ microsoft }: Gateway, credentials: BotCredentials, ends: readonly End[]): Promise<End[]> {
  const [dates, further] = await Promise.all([microsoft.secretDates(credentials).catch(() => []), credentials.further?.load()]);
  return ends.map((end) => {
    const own = further?.find(({ sid }) => sid === end.sid);
    const secret = end.sid === undefined ? credentials.clientSecret : own?.kind === 'SECRET' ? own.secret : '';
    const found = dates.filter(({ hint }) => hint && secret.startsWith(hint)).map(({ expires }) => expires.getTime());
    return end.expires || found.length === 0 ? end : { ...end, expires: new Date(Math.max(...found)) };
  });
}
