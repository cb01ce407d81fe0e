import type { Bot } from '../prisma/client/client.ts';
import { cureOf, type HealthStatus, healthStatuses } from '../src/domain/enterprises/bot-health.ts';
import { BotRef } from './bot.ts';
import { builder } from './builder.ts';
import { needs } from './columns.ts';

const STATUSES: Readonly<Record<HealthStatus, string>> = {
  UNKNOWN: 'It was not checked yet, or Microsoft did not respond.',
  HEALTHY: 'Microsoft accepts it.',
  WARNING: 'It works, but will stop, or has a credential that does not work: see `cure`.',
  UNHEALTHY: 'Its messages wait until somebody does what `cure` says.',
};

const BotHealthStatusEnum = builder.enumType('BotHealthStatus', {
  description: 'How a bot is.',
  values: Object.fromEntries(healthStatuses.map((value) => [value, { value, description: STATUSES[value] }])),
});

const BotHealthRef = builder.objectRef<Bot>('BotHealth').implement({
  description: 'How a bot is, as checks on creation, after changes and daily, and its messages have shown.',
  fields: (t) => ({
    status: t.field({
      type: BotHealthStatusEnum,
      description: 'How it is.',
      resolve: ({ healthStatus }) => (healthStatus ?? 'UNKNOWN') as HealthStatus,
    }),
    since: t.field({
      type: 'DateTime',
      description: 'Since when that is known.',
      resolve: ({ healthSince, dateCreated }) => healthSince ?? dateCreated,
    }),
    code: t.string({
      nullable: true,
      description: "Microsoft's code of what is the matter, or the gateway's own. `null` if nothing is.",
      resolve: ({ healthCode }) => healthCode ?? null,
    }),
    message: t.string({
      nullable: true,
      description: "What is the matter, usually in Microsoft's words. `null` if nothing is.",
      resolve: ({ healthMessage }) => healthMessage ?? null,
    }),
    cure: t.string({
      nullable: true,
      description: 'What somebody has to do. `null` if nobody has to.',
      resolve: ({ healthReason }) => cureOf(healthReason ?? null),
    }),
  }),
});

const COLUMNS = ['healthStatus', 'healthSince', 'healthReason', 'healthCode', 'healthMessage', 'dateCreated'];

builder.prismaObjectFields(BotRef, (t) => ({
  health: t.field({ type: BotHealthRef, description: 'How the bot is.', extensions: needs(...COLUMNS), resolve: (bot) => bot }),
}));
