// A lane is the queue of one conversation's messages, which are delivered in order (docs/adr/0007).

/** The lane of messages from a mapped number to a phone. */
export const laneToPhone = (externalDigits: string, to: string) => `sms:${externalDigits}:${to.replace('+', '')}`;

/** The lane of all messages to a Teams user. */
export const laneToTeams = (enterpriseSid: string, microsoftAddress: string) => `teams:${enterpriseSid}:${microsoftAddress.toLowerCase()}`;
