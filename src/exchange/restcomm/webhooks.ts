import { selectRow } from '../../database/lists/select.ts';
import type { KeptMapping } from '../../domain/caches/kept-mappings.ts';
import { violatesForeignKey } from '../../domain/constraints.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { MAPPINGS } from '../../domain/mappings/mappings.ts';
import { mappingOfSecret } from '../../domain/mappings/webhooks.ts';
import { laneToTeams } from '../../domain/messages/lanes.ts';
import { acceptMessage } from '../../domain/messages/message-log.ts';
import { phoneOf } from '../../domain/values/phones.ts';
import { normalizeSid } from '../../domain/values/sid.ts';
import type { SmsRecord } from '../../platforms/restcomm/restcomm.ts';
import { type AnyRequest, targetOf } from '../../server/node-request.ts';
import { readBytes } from '../../server/read-body.ts';
import { TextResponse } from '../../server/text-response.ts';
import { inTraceOf } from '../outbox/message-spans.ts';
import { applyReport } from '../reports.ts';
import { isStorableText, toStorableSid, toStorableText } from '../storable-text.ts';
import { type FormFields, isForm, readForm } from './form.ts';
import { isCut, isRestcommStatus, toReport, withTextChange } from './reports.ts';
import { findSent } from './sent-messages.ts';

/** The path prefix of Restcomm's webhooks: `/webhooks/restcomm/{secret}/sms` and `/webhooks/restcomm/{secret}/status`. */
export const RESTCOMM_WEBHOOKS = '/webhooks/restcomm/';

const MAX_FORM_BYTES = 256 * 1024;
const EMPTY_RCML = '<?xml version="1.0" encoding="UTF-8"?>\n<Response/>\n';
/** The longest values, in UTF-16 code units. Longer texts are cut. */
const MAX_BODY = 10_000;
const MAX_FIELD = 320;
const MAX_URL = 4096;
const MAX_MEDIA = 10;
/** The text of an SMS that had none, and whose media are lost. */
export const LOST_MEDIA = '[This message came without its text. A picture or file in it could not be recovered.]';
/** The line that is added to the text of an SMS if some of its media are lost. */
const LOST_PART = '\n[A picture or file that came with this message could not be recovered.]';

/**
 * Handles Restcomm's webhooks: form-encoded, with the secret in the path. A form is refused only if a mandatory field is missing, never for
 * what its fields contain: Restcomm posts an SMS to SmsUrl and SmsFallbackUrl, which is the same one, and then never again (SmsInterpreter of
 * RestComm/Restcomm-Connect).
 * @returns 200 with empty RCML once the SMS or status is committed; 400, 404, 405, 413 with a line of text
 */
export async function restcommWebhook(gateway: Gateway, request: AnyRequest): Promise<TextResponse> {
  const { pathname, search } = targetOf(request);
  const [secret = '', kind, ...rest] = pathname.slice(RESTCOMM_WEBHOOKS.length).split('/');
  const mappingSid = mappingOfSecret(gateway, secret);
  if (!mappingSid || rest.length > 0 || (kind !== 'sms' && kind !== 'status')) return plainText(404, 'Not found');
  if (request.method !== 'POST') return plainText(405, 'Method not allowed', { allow: 'POST' });
  const contentType = request.headers.get('content-type') ?? '';
  if (!isForm(contentType)) return plainText(400, 'The body must be form-encoded');
  const bytes = await readBytes(request, MAX_FORM_BYTES);
  if (!bytes) return plainText(413, `The body must have at most ${MAX_FORM_BYTES} bytes`);
  const form = readForm(bytes, contentType);
  const problem =
    kind === 'sms'
      ? await receiveSms(gateway, mappingSid, form)
      : await receiveStatus(gateway, mappingSid, form, new URLSearchParams(search).get('message') ?? form('message'));
  if (problem) return plainText(400, problem);
  return new TextResponse(EMPTY_RCML, { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' } });
}

/** @returns what is wrong with the request; `undefined` if nothing is */
async function receiveSms(gateway: Gateway, mappingSid: string, form: FormFields): Promise<string | undefined> {
  const field = (name: string) => form(name).trim();
  const sid = field('SmsSid') || field('MessageSid');
  const [from, to] = [field('From'), field('To')];
  if (!sid || !from || !to) return 'SmsSid, From and To are mandatory';
  const { urls, dropped } = mediaOf(form);
  if (dropped > 0) gateway.log.warn({ mappingSid, smsSid: sid, dropped }, 'media of an MMS are missing, or have no web addresses');
  const isEmpty = field('Body') === '' && urls.length === 0;
  const lost = isEmpty ? LOST_MEDIA : toStorableText(form('Body'), MAX_BODY - LOST_PART.length) + LOST_PART;
  await acceptSms(gateway, mappingSid, { sid, from, to, body: dropped > 0 ? lost : form('Body'), mediaUrls: urls });
  return undefined;
}

/**
 * Stores an SMS to a mapped number, once per sid, and enqueues it for the Teams user. Stores it even if the mapping has been deleted since:
 * its delivery then fails with MAPPING_NOT_FOUND. Characters that cannot be stored are replaced, and a text beyond any SMS is cut.
 */
export async function acceptSms(
  gateway: Gateway,
  mappingSid: string,
  sms: Pick<SmsRecord, 'sid' | 'from' | 'to' | 'body' | 'mediaUrls'>,
): Promise<void> {
  const { prisma, sql, hints, log } = gateway;
  const mapping = await findMapping(gateway, mappingSid);
  const owner = mapping ?? (await prisma.releasedMapping.findUnique({ where: { sid: mappingSid } }));
  if (!owner) {
    // Restcomm routes the number before the mapping is committed, and this mapping never was.
    log.warn({ mappingSid, smsSid: sms.sid }, 'received an SMS to a number that was never mapped');
    return;
  }
  const from = toStorableText(sms.from, MAX_FIELD);
  const accepted = acceptMessage(sql, {
    organizationSid: owner.organizationSid,
    enterpriseSid: owner.enterpriseSid,
    mappingSid: mapping?.sid ?? null,
    accountSid: owner.accountSid,
    direction: 'OUTBOUND',
    from,
    to: owner.microsoftAddress,
    phone: phoneOf(from, owner.externalAddress).compared,
    body: toStorableText(sms.body, MAX_BODY),
    mediaUrls: sms.mediaUrls,
    restcommMessageSid: toStorableSid(sms.sid),
    lane: laneToTeams(owner.enterpriseSid, owner.microsoftAddress),
  });
  const stored = await accepted.catch(async (error) => {
    // Another instance has just deleted the mapping: its row is looked for again.
    if (!mapping || !violatesForeignKey(error, 'message_mapping_sid_fkey')) throw error;
    gateway.keptMappings.drop(mapping.sid);
    await acceptSms(gateway, mappingSid, sms);
    return undefined;
  });
  if (!stored) return;
  hints.queued('teams');
  hints.appended(owner.organizationSid);
}

/** Finds the mapping of a number that an SMS arrived at, in memory or the database. @returns `null` if it is deleted */
async function findMapping({ sql, keptMappings }: Gateway, sid: string): Promise<KeptMapping | null> {
  const kept = keptMappings.get(sid);
  if (kept) return kept;
  const reading = keptMappings.begin();
  try {
    const mapping = await selectRow(sql, MAPPINGS, { sid });
    if (mapping) reading.keep(sid, mapping);
    return mapping;
  } finally {
    reading.end();
  }
}

/**
 * Restcomm's versions name the fields differently: MessageSid and MessageStatus in its code (SmsStatusNotifier), Status and ChannelStatusMessage
 * in its documentation (pull request 2974), SmsSid and SmsStatus in older versions (pull request 2375). ChannelStatusMessage holds the carrier's
 * words about a failure, or the status itself.
 * @param messageSid of the callback's address, whose query string Restcomm moves into the form (HttpRequestDescriptor)
 * @returns what is wrong with the request; `undefined` if nothing is
 */
async function receiveStatus(gateway: Gateway, mappingSid: string, form: FormFields, messageSid: string): Promise<string | undefined> {
  const { log } = gateway;
  const fields = (...names: string[]) =>
    names.flatMap((name) => {
      const value = form(name).trim();
      return isAbsent(value) ? [] : [value];
    });
  const [sid] = fields('MessageSid', 'SmsSid').map(toStorableSid);
  const words = fields('MessageStatus', 'Status', 'SmsStatus');
  const status = [...words, ...fields('ChannelStatusMessage')].find(isRestcommStatus);
  if (!sid || !(status ?? words[0])) return 'MessageSid and MessageStatus are mandatory';
  if (!status) {
    log.warn({ mappingSid, smsSid: sid, status: words[0]?.slice(0, 100) }, 'received an unknown status; asking Restcomm later');
    return undefined;
  }
  const message = await findSent(gateway, mappingSid, messageSid ? { sid: normalizeSid(messageSid) } : { restcommMessageSid: sid });
  if (!message) {
    log.warn({ mappingSid, smsSid: sid, messageSid }, 'received a status for an unknown message');
    return undefined;
  }
  const [errorCode] = fields('ErrorCode');
  const details = fields('ErrorMessage', 'ChannelStatusMessage').filter((text) => !isRestcommStatus(text));
  const report = toReport({ sid, status, errorCode, details });
  // The text is in the report as well (SmsStatusNotifier): the response to its sending, which has it, may have been lost.
  const body = form('Body');
  const whole = isCut(body, message.body) ? withTextChange(report, body, message.body) : report;
  await inTraceOf(gateway, message.sid, 'status report', () => applyReport(gateway, message, whole));
  return undefined;
}

/** Whether a field has no value, as programs write it. */
const isAbsent = (value: string) => /^(?:null|none|undefined)?$/i.test(value);

/** @returns the addresses of an MMS's media, and how many others it has or says that it has */
function mediaOf(form: FormFields): { urls: string[]; dropped: number } {
  const given = Array.from({ length: MAX_MEDIA }, (_, index) => form(`MediaUrl${index}`).trim()).filter((url) => url !== '');
  const urls = given.filter((url) => isStorableText(url, MAX_URL) && /^https?:\/\//i.test(url) && URL.canParse(url));
  return { urls, dropped: Math.max(given.length, countOf(form('NumMedia'))) - urls.length };
}

/** NumMedia, which may be anything. */
const countOf = (written: string): number => (/^\s*[0-9]{1,3}\s*$/.test(written) ? Number(written) : 0);

const plainText = (status: number, message: string, headers: Record<string, string> = {}) =>
  new TextResponse(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } });
