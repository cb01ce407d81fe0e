import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Hints, Platform } from '../domain/hints.ts';
import type { EventWithMessage } from '../domain/logged-event.ts';

/** Carries short texts between the gateway's instances. Any of them may be lost. */
export interface Channel {
  /**
   * Sends texts to all instances, this one included.
   * @throws Error if they are lost
   */
  send(texts: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** The callbacks of a channel on this instance. */
interface ChannelListener {
  /** An instance has sent a text. */
  readonly received: (text: string) => void;
  /** The channel is connected, perhaps again: texts sent before are lost. */
  readonly connected: () => void;
  /** The channel is no longer connected. */
  readonly lost?: () => void;
}

export type OpenChannel = (listener: ChannelListener) => Channel;

interface NotifierOptions {
  /** Receives hints on this instance; `missed` is called if any may have been lost. */
  readonly here: Hints & { readonly missed: () => void };
  /** Absent if there are no other instances. */
  readonly openChannel?: OpenChannel;
}

export interface Notifier {
  /** Passes hints on: to this instance at once, to all others over the channel. */
  readonly hints: Hints;
  close(): Promise<void>;
}

/**
 * How long to wait between two sends, in ms; BUSY_INTERVAL_MS after BUSY_AFTER sends without a pause. An organization is named once, however many commits
 * it had meanwhile.
 */
const INTERVAL_MS = 5;
const BUSY_INTERVAL_MS = 20;
const BUSY_AFTER = 8;
/** The hints that something is in the outbox. Any other hint is the sid of an organization: its log has grown, or with this prefix, a bot's health changed. */
const HEALTH = 'health:';
const QUEUED = 'queued';
const QUEUED_FOR: Readonly<Record<Platform, string>> = { teams: 'queued-teams', carrier: 'queued-carrier' };
const PLATFORMS = new Map<string, Platform | undefined>([
  [QUEUED, undefined],
  [QUEUED_FOR.teams, 'teams'],
  [QUEUED_FOR.carrier, 'carrier'],
]);

/** Starts passing hints on to every instance. Costs nothing while there are none, and at most one send per 5 ms. */
export function startNotifier({ here, openChannel }: NotifierOptions): Notifier {
  const instance = randomUUID().slice(0, 8);
  const pending = new Set<string>();
  let isSending = false;
  let closed = false;
  const channel = openChannel?.({
    received: (text) => {
      const [from, hint] = text.split(' ');
      if (from !== instance && hint) wake(hint);
    },
    connected: here.missed,
  });

  function wake(hint: string, event?: EventWithMessage): void {
    // After this turn of the event loop: what follows takes a while, and the statement that reads new events would wait for it.
    if (PLATFORMS.has(hint)) setImmediate(() => here.queued(PLATFORMS.get(hint)));
    else if (hint.startsWith(HEALTH)) here.healthChanged?.(hint.slice(HEALTH.length));
    else here.appended(hint, event);
  }

  async function sendPending(to: Channel): Promise<void> {
    if (isSending) return;
    isSending = true;
    // A commit gives several hints in turn, which leave together: the later ones would otherwise wait for the next send.
    await Promise.resolve();
    for (let sends = 0; pending.size > 0 && !closed; sends += 1) {
      const texts = [...pending].sort(lastQueued).map((hint) => `${instance} ${hint}`);
      pending.clear();
      // Hints may be lost, so a failed send is not repeated and does not hold up the next.
      await Promise.all([to.send(texts).catch(() => {}), delay(sends < BUSY_AFTER ? INTERVAL_MS : BUSY_INTERVAL_MS)]);
    }
    isSending = false;
  }

  function pass(hint: string, event?: EventWithMessage): void {
    wake(hint, event);
    if (!channel) return;
    pending.add(hint);
    void sendPending(channel);
  }

  return {
    hints: {
      queued: (platform) => pass(platform ? QUEUED_FOR[platform] : QUEUED),
      appended: pass,
      healthChanged: (organizationSid) => pass(`${HEALTH}${organizationSid}`),
    },
    close: async () => {
      closed = true;
      await channel?.close();
    },
  };
}

/** Sorts hints: those for readers of events first, since delivering a message takes longer than a hint. */
const lastQueued = (one: string, other: string) => Number(PLATFORMS.has(one)) - Number(PLATFORMS.has(other));
