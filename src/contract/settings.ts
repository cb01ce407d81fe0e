/** The contract's two switches, see README "Configuration". */
export interface Settings {
  /** `iso`: one form everywhere. `recorded`: the forms in the vendor's recorded answers. */
  readonly restTimestamps: 'iso' | 'recorded';
  /** `plain`: bots answer their client secret. `masked`: `••••` and its last four characters. */
  readonly restBotSecrets: 'plain' | 'masked';
}
