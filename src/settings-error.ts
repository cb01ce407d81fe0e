/** An invalid setting. The message names the environment variable and what it accepts. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
