import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Hints } from '../domain/hints.ts';

/** Carries short texts between the gateway's instances. Any of them may be lost. */
export interface Channel {
  /** Resolves when they are handed on. @throws Error where they are lost */
  send(texts: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** What a channel tells this instance. */
export interface ChannelListener {
  /** A text that some instance has sent. */
  readonly received: (text: string) => void;
  /** It is connected, perhaps again: what was sent before did not arrive. */
  readonly connected: () => void;
  /** It is not connected any more. */
  readonly lost?: () => void;
}

export type OpenChannel = (listener: ChannelListener) => Channel;

export interface NotifierOptions {
  /** Where this instance's own waiting sides are woken. */
  readonly here: Hints & { readonly missed: () => void };
  /** Absent where there is no other instance. */
  readonly openChannel?: OpenChannel;
}

export interface Notifier {
  /** For this instance at once, and for every other. */
  readonly hints: Hints;
  close(): Promise<void>;
}

/** What is to be told waits so long, in ms, after the last time: an organization is named once, however many commits it had meanwhile. */
const INTERVAL_MS = 20;
/** Instead of an organization's sid: something is in the outbox. */
const QUEUED = 'queued';

/** Hands hints on to every instance, over a channel. They cost an idle gateway nothing, and a busy one a message each 20 ms. */
export function startNotifier({ here, openChannel }: NotifierOptions): Notifier {
  const instance = randomUUID().slice(0, 8);
  const pending = new Set<string>();
  let telling = false;
  let closed = false;
  const channel = openChannel?.({
    received: (text) => {
      const [from, hint] = text.split(' ');
      if (from !== instance && hint) wake(hint);
    },
    connected: here.missed,
  });

  function wake(hint: string): void {
    if (hint === QUEUED) here.queued();
    else here.appended(hint);
  }

  async function tell(to: Channel): Promise<void> {
    if (telling) return;
    telling = true;
    while (pending.size > 0 && !closed) {
      const texts = [...pending].map((hint) => `${instance} ${hint}`);
      pending.clear();
      // A hint may be lost; what does not get through in time must not hold up the next.
      await Promise.all([to.send(texts).catch(() => {}), delay(INTERVAL_MS)]);
    }
    telling = false;
  }

  function give(hint: string): void {
    wake(hint);
    if (!channel) return;
    pending.add(hint);
    void tell(channel);
  }

  return {
    hints: { queued: () => give(QUEUED), appended: give },
    close: async () => {
      closed = true;
      await channel?.close();
    },
  };
}
