import { mappingOfSecret } from '../domain/enterprises/webhooks.ts';
import type { Gateway } from '../domain/gateway.ts';
import { laneToTeams } from '../domain/messages/lanes.ts';
import { acceptMessage } from '../domain/messages/message-log.ts';
import { normalizeSid } from '../domain/sid.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';
import { readBytes } from '../server/read-body.ts';
import { applyReport } from './reports.ts';
import { isRestcommStatus, toReport } from './restcomm-reports.ts';
import { isStorableText } from './storable-text.ts';

/** The path prefix of Restcomm's webhooks: `/webhooks/restcomm/{secret}/sms` and `/webhooks/restcomm/{secret}/status`. */
export const RESTCOMM_WEBHOOKS = '/webhooks/restcomm/';

const MAX_FORM_BYTES = 256 * 1024;
/** The longest values, in UTF-16 code units. */
const MAX_BODY = 10_000;
const MAX_FIELD = 320;
const MAX_URL = 2000;
const MAX_MEDIA = 10;

/**
 * Handles Restcomm's webhooks: form-encoded, with the secret in the path. Restcomm's fallback URL is the same one, so it repeats a request
 * that failed with a 5xx status.
 * @returns 200 with empty RCML once the SMS or status is committed; 400, 404, 405, 413 with a line of text
 */
export async function restcommWebhook(gateway: Gateway, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const [secret = '', kind, ...rest] = url.pathname.slice(RESTCOMM_WEBHOOKS.length).split('/');
  const mappingSid = mappingOfSecret(gateway, secret);
  if (!mappingSid || rest.length > 0 || (kind !== 'sms' && kind !== 'status')) return plainText(404, 'Not found');
  if (request.method !== 'POST') return plainText(405, 'Method not allowed', { allow: 'POST' });
  if (!isForm(request)) return plainText(400, 'The body must be form-encoded');
  const bytes = await readBytes(request, MAX_FORM_BYTES);
  if (!bytes) return plainText(413, `The body must have at most ${MAX_FORM_BYTES} bytes`);
  const form = new URLSearchParams(bytes.toString('utf8'));
  const problem =
    kind === 'sms'
      ? await receiveSms(gateway, mappingSid, form)
      : await receiveStatus(gateway, mappingSid, form, url.searchParams.get('message'));
  if (problem) return plainText(400, problem);
  return new Response('<?xml version="1.0" encoding="UTF-8"?>\n<Response/>\n', { headers: { 'content-type': 'text/xml; charset=utf-8' } });
}

/** @returns what is wrong with the request; `undefined` if nothing is */
async function receiveSms(gateway: Gateway, mappingSid: string, form: URLSearchParams): Promise<string | undefined> {
  const field = (name: string) => form.get(name)?.trim() ?? '';
  const sms = {
    sid: field('SmsSid') || field('MessageSid'),
    from: field('From'),
    to: field('To'),
    body: form.get('Body') ?? '',
    mediaUrls: mediaOf(form),
  };
  if (!sms.sid || !sms.from || !sms.to) return 'SmsSid, From and To are mandatory';
  if (![sms.sid, sms.from, sms.to].every((value) => isStorableText(value, MAX_FIELD)) || !isStorableText(sms.body, MAX_BODY))
    return 'The text is malformed or too long';
  await acceptSms(gateway, mappingSid, sms);
  return undefined;
}

/**
 * Stores an SMS to a mapped number, once per sid, and enqueues it for the Teams user. Stores it even if the mapping has been deleted since:
 * its delivery then fails with MAPPING_NOT_FOUND.
 */
export async function acceptSms(
  gateway: Gateway,
  mappingSid: string,
  sms: Pick<SmsRecord, 'sid' | 'from' | 'to' | 'body' | 'mediaUrls'>,
): Promise<void> {
  const { prisma, sql, hints, log } = gateway;
  const mapping = await prisma.mapping.findUnique({ where: { sid: mappingSid } });
  const owner = mapping ?? (await prisma.releasedMapping.findUnique({ where: { sid: mappingSid } }));
  if (!owner) {
    // Restcomm routes the number before the mapping is committed, and this mapping never was.
    log.warn({ mappingSid, smsSid: sms.sid }, 'received an SMS to a number that was never mapped');
    return;
  }
  const stored = await acceptMessage(sql, {
    organizationSid: owner.organizationSid,
    enterpriseSid: owner.enterpriseSid,
    mappingSid: mapping?.sid ?? null,
    accountSid: owner.accountSid,
    direction: 'OUTBOUND',
    from: sms.from,
    to: owner.microsoftAddress,
    body: sms.body,
    mediaUrls: sms.mediaUrls,
    restcommMessageSid: sms.sid,
    lane: laneToTeams(owner.enterpriseSid, owner.microsoftAddress),
  });
  if (!stored) return;
  hints.queued();
  hints.appended(owner.organizationSid);
}

/** @returns what is wrong with the request; `undefined` if nothing is */
async function receiveStatus(
  gateway: Gateway,
  mappingSid: string,
  form: URLSearchParams,
  messageSid: string | null,
): Promise<string | undefined> {
  const { prisma, log } = gateway;
  const first = (...names: string[]) => names.map((name) => form.get(name)?.trim()).find((value) => value && value !== 'null');
  const sid = first('MessageSid', 'SmsSid');
  const status = first('MessageStatus', 'Status', 'SmsStatus', 'ChannelStatusMessage');
  if (!sid || !status) return 'MessageSid and MessageStatus are mandatory';
  const errorCode = first('ErrorCode');
  if (!isStorableText(sid, MAX_FIELD) || !isStorableText(errorCode ?? '', MAX_FIELD)) return 'The text is malformed or too long';
  if (!isRestcommStatus(status)) return 'MessageStatus is unknown';
  const owner =
    (await prisma.mapping.findUnique({ where: { sid: mappingSid } })) ??
    (await prisma.releasedMapping.findUnique({ where: { sid: mappingSid } }));
  const message =
    owner &&
    (await prisma.message.findFirst({
      where: {
        organizationSid: owner.organizationSid,
        direction: 'INBOUND',
        ...(messageSid ? { sid: normalizeSid(messageSid) } : { restcommMessageSid: sid }),
      },
      select: { sid: true, organizationSid: true },
    }));
  if (!message) {
    log.warn({ mappingSid, smsSid: sid, messageSid }, 'received a status for an unknown message');
    return undefined;
  }
  await applyReport(gateway, message, toReport({ sid, status, errorCode }));
  return undefined;
}

function mediaOf(form: URLSearchParams): string[] {
  const urls: string[] = [];
  for (let index = 0; index < MAX_MEDIA; index += 1) {
    const url = form.get(`MediaUrl${index}`)?.trim();
    if (url && isStorableText(url, MAX_URL) && /^https?:\/\//i.test(url)) urls.push(url);
  }
  return urls;
}

const isForm = (request: Request) => /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers.get('content-type') ?? '');

const plainText = (status: number, message: string, headers: Record<string, string> = {}) =>
  new Response(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } });
