import * as z from 'zod';
import type { PrismaClient } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { enterpriseNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { changedOrEmptied, type Keyed, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { normalizeSid } from '../values/sid.ts';
import { COLOR_ICON_SIZE, OUTLINE_ICON_SIZE } from './icons.ts';
import { pngOfDataUrl, sizeOfPng } from './png.ts';

// How an organization's app looks in Teams. Each setting is the enterprise's, or else the organization's, or else a default.

/** The longest icon, in characters: an image of 96 kB as base64. */
export const MAX_ICON_LENGTH = 131_072;

/** The lengths that the manifest's schema allows. */
export const MAX_LENGTHS = { shortName: 30, fullName: 100, shortDescription: 80, fullDescription: 4000, developerName: 32 } as const;

/** What may be set. A text is absent where it is not. */
const settings = z.object({
  shortName: text(MAX_LENGTHS.shortName),
  fullName: text(MAX_LENGTHS.fullName),
  shortDescription: text(MAX_LENGTHS.shortDescription),
  fullDescription: text(MAX_LENGTHS.fullDescription, /[^\P{Cc}\n]/u),
  developerName: text(MAX_LENGTHS.developerName),
  accentColor: text(7)
    .refine((given) => !given || /^#[0-9a-f]{6}$/i.test(given), 'must be # and six hex digits')
    .transform((given) => given?.toLowerCase()),
  colorIcon: icon(COLOR_ICON_SIZE),
  outlineIcon: icon(OUTLINE_ICON_SIZE),
  websiteUrl: link(),
  privacyUrl: link(),
  termsOfUseUrl: link(),
  consoleTab: z.boolean().nullish(),
  welcome: z.boolean().nullish(),
});
const updateInput = settings.extend({ enterpriseSid: z.string().nullish() });

type TeamsAppSettings = Partial<z.output<typeof settings>>;
type UpdateTeamsAppInput = z.input<typeof updateInput> & Keyed;

/** The settings of an app, with the defaults where there are none. */
export interface TeamsAppLook {
  readonly shortName: string;
  readonly fullName: string;
  readonly shortDescription: string;
  readonly fullDescription: string;
  readonly developerName: string;
  readonly accentColor: string;
  /** A PNG as a data: URL; absent for the one that is drawn in the accent colour. */
  readonly colorIcon?: string;
  /** A PNG as a data: URL; absent for the one that is drawn. */
  readonly outlineIcon?: string;
  /** The links of the developer; absent for the gateway's own address. */
  readonly websiteUrl?: string;
  readonly privacyUrl?: string;
  readonly termsOfUseUrl?: string;
  readonly consoleTab: boolean;
  readonly welcome: boolean;
}

/** Whose settings: an organization's, or those of one of its enterprises. */
export interface TeamsAppOwner {
  readonly organizationSid: string;
  readonly enterpriseSid?: string;
}

/** Reads how an app looks. */
export async function teamsAppOf(prisma: PrismaClient, { organizationSid, enterpriseSid = '' }: TeamsAppOwner): Promise<TeamsAppLook> {
  return (await teamsAppsOf(prisma, organizationSid, [enterpriseSid]))(enterpriseSid);
}

/** Reads how the apps of enterprises of an organization look. @returns gives that by the enterprise's sid, which is one of them */
export async function teamsAppsOf(
  prisma: PrismaClient,
  organizationSid: string,
  enterpriseSids: readonly string[],
): Promise<(enterpriseSid: string) => TeamsAppLook> {
  const [organization, rows] = await Promise.all([
    prisma.organization.findUniqueOrThrow({
      where: { sid: organizationSid },
      select: { name: true, displayName: true, accentColor: true },
    }),
    prisma.teamsApp.findMany({ where: { organizationSid, enterpriseSid: { in: ['', ...enterpriseSids] } } }),
  ]);
  const provider = organization.displayName ?? organization.name;
  const settingsOf = new Map(rows.map((row) => [row.enterpriseSid, row.settings as TeamsAppSettings]));
  const defaults = {
    shortName: 'SMS',
    fullName: cut(`SMS by ${provider}`, MAX_LENGTHS.fullName),
    shortDescription: 'Send and receive SMS in Teams.',
    fullDescription: 'Send and receive SMS with your own phone number in a chat of Teams. Write "+<number> <text>" to send one.',
    developerName: cut(provider, MAX_LENGTHS.developerName),
    accentColor: organization.accentColor ?? '#4f6bed',
    consoleTab: false,
    welcome: true,
  };
  return (enterpriseSid) => ({ ...defaults, ...settingsOf.get(''), ...settingsOf.get(enterpriseSid) }) as TeamsAppLook;
}

/**
 * Changes how the app of the caller's organization looks, or of one of its enterprises. A blank text removes the setting.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051)
 */
export function updateTeamsApp(gateway: Gateway, caller: Caller, input: UpdateTeamsAppInput): Promise<TeamsAppOwner & { sid: string }> {
  return idempotently(gateway, caller, 'updateTeamsApp', input, async (remember) => {
    const { enterpriseSid: given, ...change } = parseInput(updateInput, input);
    const { organizationSid } = caller;
    const enterpriseSid = given ? normalizeSid(given) : '';
    if (enterpriseSid && !(await findEnterprise(gateway, caller, enterpriseSid)))
      throw enterpriseNotFound(enterpriseSid, ['enterpriseSid']);
    const changedOwner = await inTransaction(gateway.prisma, async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM organization WHERE sid = ${organizationSid} FOR NO KEY UPDATE`;
      const where = { organizationSid_enterpriseSid: { organizationSid, enterpriseSid } };
      const before = (await tx.teamsApp.findUnique({ where }))?.settings as TeamsAppSettings | undefined;
      const after = merged(before ?? {}, change);
      const isChanged = JSON.stringify(after) !== JSON.stringify(merged(before ?? {}, {}));
      if (isChanged) {
        await tx.teamsApp.upsert({
          where,
          create: { organizationSid, enterpriseSid, settings: after },
          update: { settings: after, dateUpdated: new Date() },
        });
      }
      const owner = { sid: enterpriseSid || organizationSid, organizationSid, ...(enterpriseSid && { enterpriseSid }) };
      await remember(tx, owner, { changed: isChanged });
      return owner;
    });
    gateway.consoleTab.drop();
    return changedOwner;
  });
}

/** The settings after a change, in the order of their names. What is `undefined` or null in the change stays; what is empty is removed. */
function merged(before: TeamsAppSettings, change: TeamsAppSettings): Record<string, string | boolean> {
  const all = { ...before, ...Object.fromEntries(Object.entries(change).filter(([, value]) => value != null)) };
  return Object.fromEntries(
    Object.entries(all)
      .filter((entry): entry is [string, string | boolean] => entry[1] != null && entry[1] !== '')
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

const cut = (words: string, length: number) => Array.from(words).slice(0, length).join('');

function text(maxLength: number, forbidden = /\p{Cc}/u) {
  return changedOrEmptied(maxLength).refine((given) => !given || !forbidden.test(given), 'must not contain control characters');
}

function icon(size: number) {
  return text(MAX_ICON_LENGTH).refine((given) => {
    const is = given && sizeOfPng(pngOfDataUrl(given));
    return !given || (is && is.width === size && is.height === size);
  }, `must be a PNG of ${size} × ${size} pixels as a base64 data: URL`);
}

function link() {
  return text(2048).refine((given) => {
    if (!given) return true;
    if (!URL.canParse(given)) return false;
    const { protocol, username, password } = new URL(given);
    return protocol === 'https:' && !username && !password;
  }, 'must be an https: URL');
}
