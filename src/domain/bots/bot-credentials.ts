import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Bot, BotCredential as CredentialRow, Prisma } from '../../../prisma/client/client.ts';
import type { BotCredential } from '../../platforms/microsoft/microsoft.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { holdOpenEnterprise } from '../enterprises/enterprise-state.ts';
import { botNotFound, credentialNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently, type Remember } from '../idempotency.ts';
import { invalidParameter, type Keyed, lookup, mandatorySecret, optional, parseInput } from '../input.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { newSid } from '../values/sid.ts';
import { retryAll } from './bot-changes.ts';
import { readCertificate } from './certificates.ts';
import { hintOf } from './client-secrets.ts';

// What a bot has apart from its client secret: secrets and certificates. Login is shown one after another, so that one can be replaced without a gap.

/** As many as an application in Entra usually has. */
const MAX_CREDENTIALS = 10;
/** Certificates and keys are longer than other secrets. */
const MAX_PEM_LENGTH = 16_384;

const pem = () =>
  z
    .string()
    .max(MAX_PEM_LENGTH, `must have at most ${MAX_PEM_LENGTH} characters`)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be PEM')
    .nullish()
    .transform((text) => text?.trim() || undefined);

/** A certificate with its private key, as input fields. */
export const certificateFields = { certificate: pem(), privateKey: pem() };
const addSecretInput = z.object({ sid: lookup(), secret: mandatorySecret(), name: optional(), dateExpires: z.date().nullish() });
const addCertificateInput = z.object({ sid: lookup(), ...certificateFields, name: optional() });
const removeInput = z.object({ sid: lookup() });
type AddBotSecretInput = z.input<typeof addSecretInput> & Keyed;
type AddBotCertificateInput = z.input<typeof addCertificateInput> & Keyed;
type RemoveBotCredentialInput = z.input<typeof removeInput> & Keyed;

/** Reads a bot's further credentials for login, the latest first. @throws SealError where one cannot be opened */
export async function loadCredentials(
  { prisma, secrets }: Gateway,
  { sid: botSid, organizationSid }: Pick<Bot, 'sid' | 'organizationSid'>,
) {
  const rows = await prisma.botCredential.findMany({
    where: { organizationSid, botSid },
    orderBy: [{ dateCreated: 'desc' }, { sid: 'desc' }],
  });
  return rows.map(({ sid, kind, sealed, thumbprint, dateExpires }): BotCredential => {
    const value = secrets.open(sealed, sid);
    const expires = dateExpires ?? undefined;
    return kind === 'SECRET'
      ? { sid, expires, kind: 'SECRET', secret: value }
      : { sid, expires, kind: 'CERTIFICATE', privateKey: value, thumbprint: thumbprint ?? '' };
  });
}

/** The condition that a credential is in the caller's reach. */
export const credentialOf = (caller: Caller, sid: string) => ({ sid, bot: belonging(caller) });

/** Lists the further credentials of bots of one organization, each bot's latest first. @returns them in the order of the bots */
export async function listCredentials(
  { prisma }: Gateway,
  bots: readonly Pick<Bot, 'sid' | 'organizationSid'>[],
): Promise<CredentialRow[][]> {
  const rows = await prisma.botCredential.findMany({
    where: { organizationSid: bots[0]?.organizationSid, botSid: { in: bots.map(({ sid }) => sid) } },
    orderBy: [{ dateCreated: 'desc' }, { sid: 'desc' }],
  });
  return bots.map(({ sid }) => rows.filter(({ botSid }) => botSid === sid));
}

/**
 * Adds a secret to a bot, and has the messages delivered that wait because of its credentials.
 * @throws InvalidInputError; NotFoundError BOT_NOT_FOUND (481); ConflictError ENTERPRISE_CLOSED (4053)
 */
export function addBotSecret(gateway: Gateway, caller: Caller, input: AddBotSecretInput): Promise<CredentialRow> {
  return idempotently(gateway, caller, 'addBotSecret', input, async (remember) => {
    const { sid: botSid = '', secret, name = null, dateExpires = null } = parseInput(addSecretInput, input);
    const sid = newSid('BC');
    const sealed = gateway.secrets.seal(secret, sid);
    return addCredential(gateway, caller, botSid, { sid, kind: 'SECRET', name, sealed, hint: hintOf(secret), dateExpires }, remember);
  });
}

/**
 * Adds a certificate to a bot, and has the messages delivered that wait because of its credentials.
 * @throws as addBotSecret
 */
export function addBotCertificate(gateway: Gateway, caller: Caller, input: AddBotCertificateInput): Promise<CredentialRow> {
  return idempotently(gateway, caller, 'addBotCertificate', input, async (remember) => {
    const { sid: botSid = '', ...given } = parseInput(addCertificateInput, input);
    return addCredential(gateway, caller, botSid, certificateColumns(gateway, given), remember);
  });
}

function addCredential(gateway: Gateway, caller: Caller, botSid: string, data: NewCredential, remember: Remember): Promise<CredentialRow> {
  return inTransaction(gateway.prisma, async (tx) => {
    const bot = await tx.bot.findUnique({ where: { sid: botSid, ...belonging(caller) } });
    if (!bot) throw botNotFound(botSid);
    await holdOpenEnterprise(tx, caller, bot.enterpriseSid);
    const { organizationSid } = bot;
    if ((await tx.botCredential.count({ where: { organizationSid, botSid } })) >= MAX_CREDENTIALS)
      throw invalidParameter(['sid'], `a bot has at most ${MAX_CREDENTIALS} further credentials`, botSid);
    const created = await tx.botCredential.create({ data: { ...data, botSid, organizationSid } });
    await changeCredentials(tx, bot, randomUUID());
    await retryAll(tx, bot.enterpriseSid);
    await remember(tx, created);
    return created;
  }).finally(() => {
    gateway.hints.queued();
    gateway.hints.installable?.();
  });
}

/**
 * Removes a further credential of a bot. Tokens that it got stay valid for up to an hour.
 * @returns the credential as it was
 * @throws NotFoundError BOT_CREDENTIAL_NOT_FOUND
 */
export function removeBotCredential(gateway: Gateway, caller: Caller, input: RemoveBotCredentialInput): Promise<CredentialRow> {
  return idempotently(gateway, caller, 'removeBotCredential', input, async (remember) => {
    const { sid = '' } = parseInput(removeInput, input);
    return inTransaction(gateway.prisma, async (tx) => {
      const row = await tx.botCredential.findUnique({ where: credentialOf(caller, sid), include: { bot: true } });
      if (!row) throw credentialNotFound(sid);
      const { bot, ...credential } = row;
      const { organizationSid } = bot;
      const { count } = await tx.botCredential.deleteMany({ where: { organizationSid, sid } });
      if (count === 0) throw credentialNotFound(sid);
      const left = await tx.botCredential.count({ where: { organizationSid, botSid: bot.sid } });
      await changeCredentials(tx, bot, left > 0 ? randomUUID() : null);
      await remember(tx, credential);
      return credential;
    });
  });
}

/** Has the bot's tokens asked for anew, and its health checked. */
async function changeCredentials(tx: Transaction, { sid, organizationSid }: Bot, credentialsKey: string | null): Promise<void> {
  const data = { credentialsKey, dateUpdated: new Date(), healthChecked: null };
  await tx.bot.updateMany({ where: { organizationSid, sid }, data });
}

type NewCredential = Omit<Prisma.BotCredentialUncheckedCreateInput, 'botSid' | 'organizationSid'>;

/**
 * The columns of a new certificate.
 * @throws InvalidInputError
 */
export function certificateColumns(
  { secrets }: Gateway,
  { certificate, privateKey, name = null }: { readonly certificate?: string; readonly privateKey?: string; readonly name?: string | null },
): NewCredential {
  const sid = newSid('BC');
  const read = readCertificate(certificate ?? '', privateKey ?? '');
  const { thumbprint, expires } = read;
  return {
    ...{ sid, kind: 'CERTIFICATE', name, thumbprint, certificate: read.certificate, dateExpires: expires },
    sealed: secrets.seal(read.privateKey, sid),
  };
}
