/** An SMS to send. */
export interface SmsToSend {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  /** UCS_2 for text outside the GSM 03.38 alphabet. */
  readonly encoding: 'GSM_7' | 'UCS_2';
  /** The URL that Restcomm posts the message's status to. */
  readonly statusCallback: string;
}

/** The longest text that the carrier takes as an SMS. */
interface SmsLimit {
  /** In UTF-16 code units. */
  readonly characters: number;
  /** Absent: as many as the characters make. */
  readonly segments?: number;
}

/**
 * What Restcomm's database holds of a text: `body VARCHAR(999)` (init.sql and restcomm.script of RestComm/Restcomm-Connect; issue 900). A longer
 * one is a 500, or cut.
 */
export const MAX_CHARACTERS = 999;

/** Restcomm's record of an SMS. `status` and `errorCode` are Restcomm's own, see src/exchange/restcomm/reports.ts. */
export interface SmsRecord {
  readonly sid: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly status: string;
  readonly errorCode?: string;
  /** Restcomm's words for `errorCode`, or the carrier's. */
  readonly errorMessage?: string;
  /** `inbound`, `outbound-api` and others. */
  readonly direction?: string;
  readonly dateCreated?: Date;
  readonly mediaUrls: readonly string[];
}

/** A Restcomm account whose credentials have been verified. */
export interface PlatformAccount {
  readonly email: string;
  readonly friendlyName?: string;
  /** OR and 32 hex digits (AccountConverter). Absent before Restcomm 8.2, which has no organizations. */
  readonly organizationSid?: string;
}

/**
 * What the domain and the exchange need of Restcomm. All calls except `sendSms` are idempotent, and reject with a PlatformError if Restcomm
 * refuses, with its own message, or does not respond.
 */
export interface Restcomm {
  /**
   * Creates a sub-account, or links the one that the e-mail address already has, whose password stays as it is.
   * @returns `sid`: AC and the md5 of the lower-case e-mail address
   */
  createSubAccount(account: { email: string; password: string; friendlyName: string }): Promise<{ sid: string; existed: boolean }>;
  /**
   * Changes an account's name or password. Its e-mail address, which makes its sid, never changes.
   * @throws PlatformError also for a password that Restcomm finds too weak
   */
  changeAccount(accountSid: string, change: { friendlyName?: string; password?: string }): Promise<void>;
  /**
   * Sets an account's status. CLOSED is final on Restcomm.
   * @throws PlatformError with the cause ACCOUNT_CLOSED, if the account is CLOSED
   */
  setAccountStatus(accountSid: string, status: 'ACTIVE' | 'INACTIVE' | 'CLOSED'): Promise<void>;
  /**
   * Routes the number's SMS to a URL.
   * @param number in any spelling
   */
  enableSms(number: string, smsUrl: string): Promise<void>;
  /** Stops routing the number's SMS to the gateway. Does nothing if the account does not have the number. */
  disableSms(number: string): Promise<void>;
  readonly maxSms: SmsLimit;
  /** How long after an unanswered `sendSms` its record may still appear, in ms. Before, that it is not listed means nothing. */
  readonly settlesMs: number;
  /**
   * Sends an SMS. Not idempotent. The returned record's body is the text as the carrier sends it, which may be cut.
   * @throws DeliveryError `refused`, `retry`, or `unknown` if the request left and no response came
   */
  sendSms(sms: SmsToSend): Promise<SmsRecord>;
  /** Finds a message by Restcomm's sid; `undefined` if there is none. */
  findSms(sid: string): Promise<SmsRecord | undefined>;
  /** Lists messages by sender, recipient and creation date, to find those whose response was lost. */
  listSms(filter: { from?: string; to?: string; since: Date }): Promise<SmsRecord[]>;
  /** Lists the SMS that phones have sent since then, page by page, the newest first. */
  listReceived(since: Date): AsyncIterable<readonly SmsRecord[]>;
  /**
   * Verifies a caller's credentials.
   * @returns the account if it is active; `inactive` if it is not; `unknown` if the credentials are wrong
   */
  checkCredentials(accountSid: string, authToken: string): Promise<PlatformAccount | 'inactive' | 'unknown'>;
}
