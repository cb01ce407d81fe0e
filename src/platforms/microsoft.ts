/** An enterprise's Azure application, with which the gateway asks Microsoft. */
export interface BotCredentials {
  readonly applicationId: string;
  readonly tenantId: string;
  readonly clientSecret: string;
}

/** What the domain asks of Microsoft. A refusal or no answer is thrown as PlatformError. */
export interface Microsoft {
  /**
   * Is this Teams user (UPN or object id) an enabled user of the bot's tenant? `undefined` where not.
   */
  findUser(bot: BotCredentials, address: string): Promise<{ objectId: string; userPrincipalName: string } | undefined>;
}
