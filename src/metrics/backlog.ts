import { setTimeout as delay } from 'node:timers/promises';
import { Gauge } from 'prom-client';
import type { Backlog } from '../exchange/outbox/backlog.ts';
import type { Registers } from './registers.ts';

export type ReadBacklog = () => Promise<Backlog>;

/** How long a measurement is used, in ms: several scrapers cost no more than one. */
const KEPT_MS = 10_000;
/** How long a scrape waits for the database, in ms. */
const PATIENCE_MS = 3000;

/** Messages that wait. Instances of one database report the same: alert on their maximum. */
export function backlogMetrics(registers: Registers, readBacklog: () => Promise<Backlog | undefined>): void {
  let kept: { readonly at: number; readonly backlog: Promise<Backlog | undefined> } | undefined;
  const measure = () => {
    if (!kept || performance.now() - kept.at > KEPT_MS)
      kept = { at: performance.now(), backlog: withinPatience(readBacklog().catch(() => undefined)) };
    return kept.backlog;
  };
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    set: (gauge: Gauge<Label>, backlog: Backlog) => void,
  ) =>
    new Gauge<Label>({
      ...{ name, help, labelNames, registers },
      async collect() {
        const backlog = await measure();
        this.reset();
        if (backlog) set(this, backlog);
        else if (labelNames.length === 0) this.remove();
      },
    });

  gauge('gateway_outbox_messages', 'Messages in the outbox, by platform, counted up to 10,000', ['platform'], (depth, { platforms }) => {
    for (const { platform, depth: messages } of platforms) depth.set({ platform }, messages);
  });
  gauge(
    'gateway_outbox_oldest_seconds',
    'Age of the oldest message in the outbox that nothing holds, by platform',
    ['platform'],
    (oldest, { platforms }) => {
      for (const { platform, oldestSeconds } of platforms) oldest.set({ platform }, oldestSeconds);
    },
  );
  gauge('gateway_messages_stuck', 'Messages that are stuck, counted up to 10,000', [], (stuck, backlog) => stuck.set(backlog.stuck));
  gauge('gateway_lanes_held', 'Conversations that wait for a cure, by reason, counted up to 10,000', ['reason'], (lanes, { held }) => {
    for (const { reason, lanes: count } of held) lanes.set({ reason }, count);
  });
  gauge(
    'gateway_webhook_endpoints',
    'Webhook endpoints by state (current, behind, failing, paused, disabled), counted up to 10,000',
    ['state'],
    (endpoints, { webhooks }) => {
      for (const { state, endpoints: count } of webhooks) endpoints.set({ state }, count);
    },
  );
  gauge(
    'gateway_webhook_events_behind',
    'Events that the webhook endpoint that is furthest behind has to look at, failing ones left out',
    [],
    (events, { webhooks }) => events.set(webhooks.find(({ state }) => state === 'behind')?.behind ?? 0),
  );
  new Gauge({
    name: 'gateway_database_up',
    help: 'Whether the messages that wait could be counted: 0 while the database does not answer',
    registers,
    async collect() {
      this.set((await measure()) ? 1 : 0);
    },
  });
}

async function withinPatience<Result>(work: Promise<Result>): Promise<Result | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, delay(PATIENCE_MS, undefined, { ref: false, signal: timer.signal }).catch(() => undefined)]);
  } finally {
    timer.abort();
  }
}
