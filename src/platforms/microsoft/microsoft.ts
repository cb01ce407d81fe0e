/** An enterprise's Azure application, with which the gateway asks Microsoft. */
export interface BotCredentials {
  readonly applicationId: string;
  readonly tenantId: string;
  readonly clientSecret: string;
}

/** Where a Teams user is reached. */
export interface TeamsConversation {
  /** The connector's base address, as an inbound activity or a setting gave it. */
  readonly serviceUrl: string;
  readonly conversationId: string;
}

/** One step of `verifyBot` and its verdict. */
export interface BotCheck {
  readonly step: 'TOKEN' | 'GRAPH' | 'CONNECTOR';
  readonly passed: boolean;
  /** Microsoft's own words where it did not pass. */
  readonly message?: string;
}

/** What the domain and the exchange ask of Microsoft. */
export interface Microsoft {
  /**
   * Is this Teams user (UPN or object id) an enabled user of the bot's tenant? `undefined` where not.
   * @throws PlatformError where no token is given, or Graph refuses or does not answer
   */
  findUser(bot: BotCredentials, address: string): Promise<{ objectId: string; userPrincipalName: string } | undefined>;
  /**
   * Opens, or finds again, the bot's conversation with a user.
   * @throws DeliveryError `refused` or `retry`
   */
  openConversation(bot: BotCredentials, user: { objectId: string; serviceUrl?: string }): Promise<TeamsConversation>;
  /**
   * Posts a text into a conversation.
   * @returns the activity's id; empty where the answer broke off after it said that the text was taken
   * @throws DeliveryError `refused`, `retry`, or `unknown` where the request left and no answer came
   */
  sendActivity(bot: BotCredentials, conversation: TeamsConversation, text: string): Promise<{ activityId: string }>;
  /** Tries out a bot: its token, its Graph permission, the connector's reach. Changes nothing, never throws. */
  verifyBot(bot: BotCredentials): Promise<BotCheck[]>;
}
