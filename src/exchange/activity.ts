import { z } from 'zod';

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed());

/** The part of a Bot Framework Activity that the exchange reads. */
export const activitySchema = z.object({
  type: text(100),
  id: text(500).optional(),
  text: text(28_000).nullish(),
  serviceUrl: text(2000),
  channelId: text(100),
  from: z.object({ id: text(500), aadObjectId: text(100).optional() }),
  conversation: z.object({ id: text(500), tenantId: text(200).optional(), conversationType: text(100).optional() }),
  channelData: z.object({ tenant: z.object({ id: text(200) }).optional() }).nullish(),
  attachments: z.array(z.object({ contentType: text(200).optional(), contentUrl: text(2000).nullish() })).nullish(),
});
export type Activity = z.output<typeof activitySchema>;
