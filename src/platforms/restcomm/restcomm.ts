/** A text on its way to a phone. */
export interface SmsToSend {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  /** UCS_2 for text outside GSM 03.38, which the platform must be told. */
  readonly encoding: 'GSM_7' | 'UCS_2';
  /** Where the platform reports the message's progress. */
  readonly statusCallback: string;
}

/** A message as the platform knows it. Statuses and error codes are its own words, see src/exchange/restcomm-reports.ts. */
export interface SmsRecord {
  readonly sid: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly status: string;
  readonly errorCode?: string;
  readonly direction?: string;
  readonly dateCreated?: Date;
  readonly mediaUrls: readonly string[];
}

/** Whom the platform vouches for. */
export interface PlatformAccount {
  readonly email: string;
  readonly friendlyName?: string;
  /** OR and 32 hex digits. Absent where the platform has no organizations, as before its version 8.2. */
  readonly organizationSid?: string;
}

/**
 * What the domain and the exchange ask of the Restcomm platform. Management calls may be repeated: they end in the same state. Their refusal, or no
 * answer, is thrown as PlatformError with the platform's own message. `sendSms` is not repeatable, and throws DeliveryError.
 */
export interface Restcomm {
  /**
   * Makes a sub-account, or finds the one that the e-mail already has (whose password stays as it is).
   * `sid` is AC + md5 of the lower-case e-mail.
   */
  createSubAccount(account: { email: string; password: string; friendlyName: string }): Promise<{ sid: string; existed: boolean }>;
  /** CLOSED is final on the platform. */
  setAccountStatus(accountSid: string, status: 'ACTIVE' | 'INACTIVE' | 'CLOSED'): Promise<void>;
  /** Routes the number's SMS to this URL. Digits with an optional leading +. */
  enableSms(number: string, smsUrl: string): Promise<void>;
  /** Takes the number's SMS back from the gateway. */
  disableSms(number: string): Promise<void>;
  /**
   * Hands a text to the carrier.
   * @throws DeliveryError `refused`, `retry`, or `unknown` where the request left and no answer came
   */
  sendSms(sms: SmsToSend): Promise<SmsRecord>;
  /** The message with this sid; `undefined` where the platform has none. */
  findSms(sid: string): Promise<SmsRecord | undefined>;
  /** Messages between two numbers since an instant, either may be left open. For what a lost answer or webhook did not tell. */
  listSms(filter: { from?: string; to?: string; since: Date }): Promise<SmsRecord[]>;
  /** Whose credentials are these? Asked for callers that are not known here. The account is told where it is active. */
  checkCredentials(accountSid: string, authToken: string): Promise<PlatformAccount | 'inactive' | 'unknown'>;
}
