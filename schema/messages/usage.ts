import { readUsage, type Used } from '../../src/domain/usage/usage.ts';
import { builder } from '../builder.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { MappingRef } from '../mappings/mapping.ts';
import { ChannelStatusEnum, MessageDirectionEnum, MessageTypeEnum } from './message.ts';

const UsageRef = builder.objectRef<Used>('Usage').implement({
  description: 'What was used in one hour, day or month. If it is grouped, by one group.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'The beginning of the hour, day or month; or `from`, if that is later.' }),
    to: t.expose('to', { type: 'DateTime', description: 'Its end, which does not belong to it; or `to`, if that is earlier.' }),
    enterpriseSid: t.exposeID('enterpriseSid', { nullable: true, description: 'The enterprise. `null` unless grouped by `ENTERPRISE`.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      nullable: true,
      description: 'The enterprise. `null` unless grouped by `ENTERPRISE`.',
      resolve: ({ enterpriseSid }, _args, { loaders }) => (enterpriseSid === null ? null : loaders.enterprise.load(enterpriseSid)),
    }),
    mappingSid: t.exposeID('mappingSid', {
      nullable: true,
      description: 'The mapping, which may have been deleted since. `null` unless grouped by `MAPPING`, and for messages of none.',
    }),
    mapping: t.field({
      type: MappingRef,
      nullable: true,
      description: 'The mapping. `null` unless grouped by `MAPPING`, for messages of none, and once it is deleted.',
      resolve: ({ mappingSid }, _args, { loaders }) => (mappingSid === null ? null : loaders.mapping.load(mappingSid)),
    }),
    direction: t.expose('direction', {
      type: MessageDirectionEnum,
      nullable: true,
      description: 'The direction. `null` unless grouped by `DIRECTION`.',
    }),
    channelStatus: t.expose('channelStatus', {
      type: ChannelStatusEnum,
      nullable: true,
      description: 'The current delivery status. `null` unless grouped by `STATUS`.',
    }),
    type: t.expose('type', { type: MessageTypeEnum, nullable: true, description: 'The type. `null` unless grouped by `TYPE`.' }),
    messages: t.exposeInt('messages', { description: 'The number of messages that were accepted, whatever became of them.' }),
    segments: t.exposeInt('segments', { description: 'The number of their SMS segments.' }),
    delivered: t.exposeInt('delivered', { description: 'The number of those that are `DELIVERED` or `READ`.' }),
    failed: t.exposeInt('failed', { description: 'The number of those that are `FAILED` or `UNDELIVERED`.' }),
    medianDeliveryTime: t.exposeInt('medianDeliveryTime', {
      nullable: true,
      description:
        'The time from acceptance until delivery, in milliseconds, within which half of the delivered messages were: exact to 19 % from 16 ms to 26 hours. `null` if none was.',
    }),
    p95DeliveryTime: t.exposeInt('p95DeliveryTime', {
      nullable: true,
      description: 'The time within which 95 % of the delivered messages were, as exact as `medianDeliveryTime`. `null` if none was.',
    }),
  }),
});

export const UsageGranularityEnum = builder.enumType('UsageGranularity', {
  description: 'The times by which usage is added up.',
  values: {
    HOUR: { description: 'By hour. An hour that comes twice, as clocks are put back, is two.' },
    DAY: { description: 'By day, which has 23 or 25 hours where clocks change.' },
    MONTH: { description: 'By month.' },
  } as const,
});

export const UsageDimensionEnum = builder.enumType('UsageDimension', {
  description: 'What usage can be grouped by.',
  values: {
    ENTERPRISE: { description: 'The enterprise of the message.' },
    MAPPING: { description: 'The mapping that the message was sent through, also after its deletion.' },
    DIRECTION: { description: 'From Teams or to Teams.' },
    STATUS: { description: 'The current delivery status.' },
    TYPE: { description: 'SMS or MMS.' },
  } as const,
});

export const UsageFilterInput = builder.inputType('UsageFilter', {
  description: 'A filter for the messages that are counted. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The message belongs to the enterprise with this sid.' }),
    mappingSid: t.id({ description: 'The message was sent through the mapping with this sid, which may have been deleted since.' }),
    direction: t.field({ type: MessageDirectionEnum, description: 'The message has this direction.' }),
    type: t.field({ type: MessageTypeEnum, description: 'The message is of this type.' }),
    statuses: t.field({ type: [ChannelStatusEnum], description: 'The current delivery status is one of these.' }),
  }),
});

builder.queryField('usage', (t) =>
  t.field({
    type: [UsageRef],
    description:
      'How many messages were accepted in a time, by hour, day or month, and what became of them. Times and groups without messages are left out. Messages that were deleted count as they were. At most 10,000 entries: `SEARCH_TOO_WIDE` otherwise.',
    args: {
      from: t.arg({
        type: 'DateTime',
        required: true,
        description: 'The beginning, inclusive. Usage is known by quarters of an hour: the one it is in counts.',
      }),
      to: t.arg({ type: 'DateTime', required: true, description: 'The end, exclusive. The quarter of an hour that it is in counts.' }),
      granularity: t.arg({ type: UsageGranularityEnum, required: true, description: 'By which times to add up.' }),
      groupBy: t.arg({ type: [UsageDimensionEnum], description: 'By what to group, besides time. By nothing if absent.' }),
      filter: t.arg({ type: UsageFilterInput, description: 'Counts only messages that match this filter.' }),
      timeZone: t.arg.string({
        description:
          'The time zone in which hours, days and months begin, by its name in the IANA database, e.g. `Europe/Berlin`. Defaults to `UTC`.',
      }),
    },
    resolve: (_root, args, { gateway, caller }) => readUsage(gateway, caller, args),
  }),
);
