import type { Mapping, Message } from '../../../prisma/client/client.ts';
import { isUnavailable } from '../../database/unavailable.ts';
import { publishFailedRecord } from '../../domain/failed-records.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { phoneOf } from '../../domain/values/phones.ts';
import type { SmsRecord } from '../../platforms/restcomm/restcomm.ts';
import { applyReport } from '../reports.ts';
import { toStorableSid, toStorableText } from '../storable-text.ts';
import { toReport, UNREPORTED } from './reports.ts';
import { acceptSms, LOST_MEDIA } from './webhooks.ts';

interface ReconcilerOptions {
  /** Leaves what is younger than this to Restcomm's own callbacks, in ms. */
  readonly quietMs?: number;
  /** Aborted when the run should end early. */
  readonly signal?: AbortSignal;
}

const QUIET_MS = 60_000;
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** A message whose status has not advanced for so long ends. Where Restcomm cannot be asked for it, it has a day more. */
const UNREPORTED_MS = 3 * DAY_MS;
const UNASKABLE_MS = 4 * DAY_MS;
const BATCH = 200;
/** So many failures in a row are Restcomm's, not the messages'. */
const MAX_FAILURES = 5;

/** The name of the job that recovers inbound SMS, which knows how far it has come. */
export const RECOVER_INBOUND = 'recover-inbound';
/**
 * How far back to look for SMS whose webhook failed, in ms: before where the last run came to, since Restcomm's clock may differ and its records
 * be late; at most; and without a run before.
 */
const LOOK_BACK = { usual: HOUR_MS, longest: 7 * DAY_MS, first: 3 * DAY_MS };

type Unsettled = Pick<Message, 'sid' | 'organizationSid' | 'direction' | 'restcommMessageSid' | 'dateUpdated'>;

/**
 * Asks Restcomm for the status of messages that it accepted and never reported a final status of, the longest unasked first. Restcomm reports
 * a status once, and only on one of its carrier paths: SmsService calls back for SMPP, not for SIP, and a record may stay `sending` (issue 1525
 * of RestComm/Restcomm-Connect). A message that nothing is reported of for three days ends UNDELIVERED, with NO_REPORT. A message that Restcomm
 * cannot be asked for is logged, and the others go on.
 * @returns how many messages' statuses advanced
 * @throws PlatformError if Restcomm cannot be asked for several in a row
 */
export async function reconcileStatuses(gateway: Gateway, { quietMs = QUIET_MS, signal }: ReconcilerOptions = {}): Promise<number> {
  const { prisma, log } = gateway;
  const quiet = new Date(Date.now() - quietMs);
  const unsettled = await prisma.$queryRaw<Unsettled[]>`
    SELECT m.sid, m.organization_sid AS "organizationSid", m.direction, m.restcomm_message_sid AS "restcommMessageSid", m.date_updated AS "dateUpdated"
    FROM awaited_report a JOIN message m ON m.sid = a.message_sid
    WHERE a.asked <= ${quiet} AND m.direction = 'INBOUND' AND m.date_updated <= ${quiet}
    ORDER BY a.asked NULLS FIRST LIMIT ${BATCH}`;
  let advanced = 0;
  let failures = 0;
  for (const message of unsettled) {
    if (signal?.aborted) break;
    try {
      // Before asking, so that a message that Restcomm fails on goes to the end of the queue, too.
      const { sid: messageSid, organizationSid } = message;
      await prisma.awaitedReport.updateMany({ where: { organizationSid, messageSid }, data: { asked: new Date() } });
      if (await reconcileStatus(gateway, message)) advanced += 1;
      failures = 0;
    } catch (error) {
      failures += 1;
      if (isUnavailable(error) || failures === MAX_FAILURES) throw error;
      publishFailedRecord('reconcile-statuses');
      log.warn(
        { err: error, messageSid: message.sid, smsSid: message.restcommMessageSid },
        'cannot ask Restcomm for the status of a message',
      );
    }
  }
  return advanced;
}

/** Asks the embedded carrier for what it had accepted before a restart: it reports that no more. */
export async function finishAccepted(gateway: Gateway, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await reconcileStatuses(gateway, { quietMs: 0, signal })) > 0);
}

/** @returns whether the status advanced */
async function reconcileStatus(gateway: Gateway, message: Unsettled): Promise<boolean> {
  const { restcommMessageSid: smsSid } = message;
  const age = Date.now() - message.dateUpdated.getTime();
  const sms = smsSid
    ? await gateway.restcomm.findSms(smsSid).catch((error) => {
        if (age < UNASKABLE_MS) throw error;
        gateway.log.warn({ err: error, messageSid: message.sid, smsSid }, 'gave up asking Restcomm for the status of a message');
        return undefined;
      })
    : undefined;
  if (sms && (await applyReport(gateway, message, toReport(sms)))) return true;
  return age >= UNREPORTED_MS && applyReport(gateway, message, UNREPORTED);
}

/**
 * Stores SMS to mapped numbers whose webhook never arrived, of all organizations, and keeps how far it has come. Their media are lost, since only
 * the webhook carries them: hence the wait of `quietMs`. An SMS that cannot be stored is logged, and the others go on.
 * @throws PlatformError if Restcomm cannot be reached or refuses; the SMS that it listed before are stored
 */
export async function recoverInbound(gateway: Gateway, { quietMs = QUIET_MS, signal }: ReconcilerOptions = {}): Promise<void> {
  const { prisma, restcomm } = gateway;
  const until = new Date(Date.now() - quietMs);
  const job = await prisma.scheduledJob.findUnique({ where: { name: RECOVER_INBOUND }, select: { doneUntil: true } });
  const missed: Missed[] = [];
  let failed: { error: unknown } | undefined;
  try {
    for await (const page of restcomm.listReceived(lookBackFrom(until, job?.doneUntil))) {
      if (signal?.aborted) return;
      missed.push(
        ...(await findMissed(
          gateway,
          page.filter((sms) => timeOf(sms) <= until.getTime()),
        )),
      );
    }
  } catch (error) {
    failed = { error };
  }
  // The oldest first, as they would have come.
  for (const each of missed.reverse().sort((one, other) => timeOf(one.sms) - timeOf(other.sms))) {
    if (signal?.aborted) return;
    await recover(gateway, each);
  }
  if (failed) throw failed.error;
  await prisma.scheduledJob.upsert({
    where: { name: RECOVER_INBOUND },
    create: { name: RECOVER_INBOUND, doneUntil: until },
    update: { doneUntil: until },
  });
}

function lookBackFrom(until: Date, doneUntil: Date | null | undefined): Date {
  const lastMs = doneUntil ? until.getTime() - doneUntil.getTime() + LOOK_BACK.usual : LOOK_BACK.first;
  return new Date(until.getTime() - Math.min(lastMs, LOOK_BACK.longest));
}

interface Missed {
  readonly sms: SmsRecord;
  readonly mapping: Pick<Mapping, 'sid' | 'organizationSid'>;
}

/** Finds those of Restcomm's SMS that are to mapped numbers and not stored. */
async function findMissed({ prisma }: Gateway, received: readonly SmsRecord[]): Promise<Missed[]> {
  if (received.length === 0) return [];
  const mappings = await prisma.mapping.findMany({
    where: { externalDigits: { in: received.map(mappedTo) } },
    select: { sid: true, organizationSid: true, externalDigits: true, dateCreated: true, numberSince: true },
  });
  const mapped = received.flatMap((sms) => {
    const mapping = mappings.find((candidate) => candidate.externalDigits === mappedTo(sms));
    // An SMS from before the mapping had the number belongs to an earlier one, perhaps another organization's. Restcomm's dates are whole seconds.
    const since = mapping && (mapping.numberSince ?? mapping.dateCreated).getTime();
    const isOlder = since !== undefined && sms.dateCreated !== undefined && sms.dateCreated.getTime() + 999 < since;
    return mapping && !isOlder ? [{ sms, mapping }] : [];
  });
  if (mapped.length === 0) return [];
  const known = await prisma.message.findMany({
    where: {
      organizationSid: { in: [...new Set(mapped.map(({ mapping }) => mapping.organizationSid))] },
      restcommMessageSid: { in: mapped.map(({ sms }) => toStorableSid(sms.sid)) },
    },
    select: { organizationSid: true, restcommMessageSid: true },
  });
  const stored = new Set(known.map((message) => `${message.organizationSid} ${message.restcommMessageSid}`));
  return mapped.filter(({ sms, mapping }) => !stored.has(`${mapping.organizationSid} ${toStorableSid(sms.sid)}`));
}

async function recover(gateway: Gateway, { sms, mapping }: Missed): Promise<void> {
  const { log } = gateway;
  const named = { smsSid: sms.sid, mappingSid: mapping.sid };
  try {
    await acceptSms(gateway, mapping.sid, { ...sms, body: sms.body.trim() === '' ? LOST_MEDIA : sms.body });
    log.warn(named, 'recovered an SMS whose webhook never arrived; media that it may have had are lost');
  } catch (error) {
    if (isUnavailable(error)) throw error;
    publishFailedRecord(RECOVER_INBOUND);
    log.error({ err: error, ...named }, 'cannot store an SMS whose webhook never arrived');
  }
}

/** The number that an SMS was sent to, as mappings have it. It may be any text. */
const mappedTo = ({ to }: SmsRecord) => phoneOf(toStorableText(to, 320)).compared;
const timeOf = ({ dateCreated }: SmsRecord) => dateCreated?.getTime() ?? 0;
