import { channel } from 'node:diagnostics_channel';
import type { ChannelStatus } from '../../../prisma/client/client.ts';

/** A step of a message that this instance has recorded. */
export interface MessageStep {
  readonly direction: 'INBOUND' | 'OUTBOUND';
  /** QUEUED: it was accepted. */
  readonly status: ChannelStatus;
  /** The channelErrorCode of a message that FAILED or is UNDELIVERED. */
  readonly reason?: string;
}

/**
 * Every message passes here, wherever it comes from and whichever transaction it is in: a channel of node's costs nothing while nobody subscribes. A step
 * whose transaction is rolled back is published nevertheless.
 */
const steps = channel('teams-sms-gateway.message-steps');

export function publishStep(step: MessageStep): void {
  if (steps.hasSubscribers) steps.publish(step);
}

/** Calls a function for each step from now on. It must not throw. @returns a function that ends this */
export function onStep(observe: (step: MessageStep) => void): () => void {
  const listener = (step: unknown) => observe(step as MessageStep);
  steps.subscribe(listener);
  return () => void steps.unsubscribe(listener);
}
