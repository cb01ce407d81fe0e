// A lane is one conversation: its messages are handed over in their order (docs/adr/0007).

/** From a mapped number to a phone. */
export const laneToPhone = (externalDigits: string, to: string) => `sms:${externalDigits}:${to.replace('+', '')}`;

/** From whomever to a Teams user. */
export const laneToTeams = (enterpriseSid: string, microsoftAddress: string) => `teams:${enterpriseSid}:${microsoftAddress.toLowerCase()}`;
