/**
 * What the domain asks of the Restcomm platform. Each call may be repeated: it ends in the same state. A refusal or no
 * answer is thrown as PlatformError with the platform's own message.
 */
export interface Restcomm {
  /**
   * Makes a sub-account, or finds the one that the e-mail already has (whose password stays as it is).
   * `sid` is AC + md5 of the lower-case e-mail.
   */
  createSubAccount(account: { email: string; password: string; friendlyName: string }): Promise<{ sid: string; existed: boolean }>;
  /** CLOSED is final on the platform. */
  setAccountStatus(accountSid: string, status: 'ACTIVE' | 'INACTIVE' | 'CLOSED'): Promise<void>;
  /** Routes the number's SMS to the gateway. Digits with an optional leading +. */
  enableSms(number: string): Promise<void>;
  /** Takes the number's SMS back from the gateway. */
  disableSms(number: string): Promise<void>;
}
