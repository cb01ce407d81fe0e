// A lane is the queue of one conversation's messages, which are delivered in order (docs/adr/0007).

/**
 * The lane of messages from a mapped number to a phone.
 * @param externalDigits the mapped number in its one form
 * @param to the phone's number in its one form
 */
export const laneToPhone = (externalDigits: string, to: string) => `sms:${externalDigits}:${to}`;

/** The mapped number of a lane of messages to a phone, with a plus; `undefined` where the mapping was deleted before it was made. */
export const numberOfLane = (lane: string): string | undefined => {
  const [, digits = ''] = lane.split(':');
  return /^[0-9]+$/.test(digits) ? `+${digits}` : undefined;
};

/** The direction of a lane's messages: OUTBOUND goes to Teams. */
export const directionOf = (lane: string): 'INBOUND' | 'OUTBOUND' => (lane.startsWith('teams:') ? 'OUTBOUND' : 'INBOUND');

/** The lane of all messages to a Teams user. */
export const laneToTeams = (enterpriseSid: string, microsoftAddress: string) => `teams:${enterpriseSid}:${microsoftAddress.toLowerCase()}`;
