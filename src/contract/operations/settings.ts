/** See docs/operating.md, Configuration. */
export interface ContractSettings {
  /** REST_TIMESTAMPS. `iso`: one form in all responses. `recorded`: the forms of the vendor's recorded responses. */
  readonly restTimestamps: 'iso' | 'recorded';
  /** REST_BOT_SECRETS. `plain`: bots have their client secret. `masked`: `••••` and its end, at most four characters and at most half of it. */
  readonly restBotSecrets: 'plain' | 'masked';
}
