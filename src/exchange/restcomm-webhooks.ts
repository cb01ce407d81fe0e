import { mappingOfSecret } from '../domain/enterprises/webhooks.ts';
import type { Gateway } from '../domain/gateway.ts';
import { laneToTeams } from '../domain/messages/lanes.ts';
import { acceptMessage } from '../domain/messages/message-log.ts';
import { normalizeSid } from '../domain/sid.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';
import { readBytes } from '../server/read-body.ts';
import { takeReport } from './reports.ts';
import { isStatus, toReport } from './restcomm-reports.ts';

/** Under which Restcomm's webhooks are: `/webhooks/restcomm/{secret}/sms` and `…/status`. */
export const RESTCOMM_WEBHOOKS = '/webhooks/restcomm/';

const MAX_FORM_BYTES = 256 * 1024;
const MAX_BODY = 10_000;
const MAX_MEDIA = 10;

/**
 * Restcomm's requests: form-encoded, with the secret in the path. An SMS is answered only once it is committed; a failure is answered
 * with 500, at which Restcomm tries the fallback URL, which is the same.
 */
export async function restcommWebhook(gateway: Gateway, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const [secret = '', kind, ...rest] = url.pathname.slice(RESTCOMM_WEBHOOKS.length).split('/');
  const mappingSid = mappingOfSecret(gateway, secret);
  if (!mappingSid || rest.length > 0 || (kind !== 'sms' && kind !== 'status')) return text(404, 'Not found');
  if (request.method !== 'POST') return text(405, 'Method not allowed', { allow: 'POST' });
  if (!isForm(request)) return text(400, 'The body must be form-encoded');
  const bytes = await readBytes(request, MAX_FORM_BYTES);
  if (!bytes) return text(413, `The body must have at most ${MAX_FORM_BYTES} bytes`);
  const form = new URLSearchParams(bytes.toString('utf8'));
  const problem =
    kind === 'sms'
      ? await receiveSms(gateway, mappingSid, form)
      : await receiveStatus(gateway, mappingSid, form, url.searchParams.get('message'));
  if (problem) return text(400, problem);
  return new Response('<?xml version="1.0" encoding="UTF-8"?>\n<Response/>\n', { headers: { 'content-type': 'text/xml; charset=utf-8' } });
}

/** @returns what is wrong with the request, if anything */
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
  if (![sms.sid, sms.from, sms.to].every((value) => isText(value, 320)) || !isText(sms.body, MAX_BODY))
    return 'The text is malformed or too long';
  await acceptSms(gateway, mappingSid, sms);
  return undefined;
}

/**
 * Stores an SMS that came for a mapped number, once by its sid, and enqueues it for its Teams user. That of a number whose mapping is gone is stored
 * too: delivery ends it with a code.
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
    // The mapping's creation was not committed; the platform was told before.
    log.warn({ mappingSid, smsSid: sms.sid }, 'an SMS came for a number that was never mapped');
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
  if (!isText(sid, 320) || !isText(errorCode ?? '', 320)) return 'The text is malformed or too long';
  if (!isStatus(status)) return 'MessageStatus is unknown';
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
    log.warn({ mappingSid, smsSid: sid, messageSid }, 'a status report for a message that is not here');
    return undefined;
  }
  await takeReport(gateway, message, toReport({ sid, status, errorCode }));
  return undefined;
}

function mediaOf(form: URLSearchParams): string[] {
  const urls: string[] = [];
  for (let index = 0; index < MAX_MEDIA; index += 1) {
    const url = form.get(`MediaUrl${index}`)?.trim();
    if (url && isText(url, 2000) && /^https?:\/\//i.test(url)) urls.push(url);
  }
  return urls;
}

const isText = (value: string, max: number) => value.length <= max && !value.includes('\0') && value.isWellFormed();

const isForm = (request: Request) => /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers.get('content-type') ?? '');

const text = (status: number, message: string, headers: Record<string, string> = {}) =>
  new Response(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } });
