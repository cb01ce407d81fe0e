import { randomUUID } from 'node:crypto';
import {
  type Account,
  type Enterprise,
  type Mapping,
  type Message,
  Prisma,
  type TeamsConversation,
} from '../../../prisma/client/client.ts';
import { type JoinedRow, joinedColumns, partOf, partOrNull } from '../../database/lists/joined-rows.ts';
import type { Sql } from '../../database/sql.ts';
import { BOT_OF_DELIVERY, type BotOfDelivery } from '../../domain/bots/bots.ts';
import type { Platform } from '../../domain/hints.ts';
import { type Claim, type Hold, LEASE_MS, type OutboxEntry } from './outbox.ts';

/** A message with the rows that its delivery depends on. */
export interface MessageToDeliver extends Message {
  readonly enterprise: Pick<Enterprise, 'status' | 'dateUpdated'> & { readonly bot: BotOfDelivery | null };
  /** `null` if it has been deleted. */
  readonly mapping: Mapping | null;
  readonly account: Pick<Account, 'status'> | null;
  /** The bot's conversation with the mapping's user; `null` before their first contact, and while the user's object id is unknown. */
  readonly conversation: TeamsConversation | null;
}

/** A claimed lane with its first message. */
export interface ClaimedLane extends Claim {
  /** Absent if the lane is empty. */
  readonly first?: { readonly entry: OutboxEntry; readonly message: MessageToDeliver };
}

interface ClaimOptions {
  readonly platform: Platform;
  /** How many lanes to claim at most. */
  readonly limit: number;
  /** How many of one organization's lanes to claim at most. */
  readonly perOrganization: number;
  /** Sids of organizations to claim nothing of. */
  readonly skippedOrganizations?: readonly string[];
  /** A fresh id for these claims. */
  readonly holder?: string;
}

/**
 * Claims lanes that are due, and reads their first messages with all that delivery depends on. Organizations are found one by one along the index, so
 * that one's backlog, due or not, costs the others nothing.
 */
export async function claimLanes(sql: Sql, options: ClaimOptions): Promise<ClaimedLane[]> {
  const { platform, limit, perOrganization, skippedOrganizations = [], holder = randomUUID() } = options;
  const rows = await sql.queryAsWritten<JoinedRow>(CLAIMS[platform], [limit, perOrganization, skippedOrganizations, holder, LEASE_MS]);
  return rows.map((row) => claimed(row, holder));
}

const ENTERPRISE = ['status', 'dateUpdated'];
const ACCOUNT = ['status'];
const HOLD = ['reason', 'since'];
const ENTRY = ['messageSid', 'attempts', 'attemptStarted'];
const MESSAGE = Object.values(Prisma.MessageScalarFieldEnum);
const MAPPING = Object.values(Prisma.MappingScalarFieldEnum);
const BOT = BOT_OF_DELIVERY;
const CONVERSATION = Object.values(Prisma.TeamsConversationScalarFieldEnum);

function claimed(row: JoinedRow, holder: string): ClaimedLane {
  const claim = { lane: row.lane, organizationSid: row.organizationSid, holder, additions: row.additions };
  const entry = partOrNull<Omit<OutboxEntry, 'hold' | 'hasMore'>>(row, 'entry', ENTRY, 'messageSid');
  if (!entry) return claim;
  const bot = partOrNull<BotOfDelivery>(row, 'bot', BOT, 'sid');
  const message: MessageToDeliver = {
    ...partOf<Message>(row, 'message', MESSAGE),
    enterprise: { ...partOf<Pick<Enterprise, 'status' | 'dateUpdated'>>(row, 'enterprise', ENTERPRISE), bot },
    mapping: partOrNull<Mapping>(row, 'mapping', MAPPING, 'sid'),
    account: partOrNull<Pick<Account, 'status'>>(row, 'account', ACCOUNT, 'status'),
    conversation: partOrNull<TeamsConversation>(row, 'conversation', CONVERSATION, 'objectId'),
  };
  const hold = partOrNull<Hold>(row, 'hold', HOLD, 'reason');
  return { ...claim, first: { entry: { ...entry, hold, hasMore: row.hasMore }, message } };
}

/**
 * The common table expression `organization`: the organizations that have lanes of a platform, found one by one along the index, and a last row without any.
 * @param isOfPlatform the condition on a lane
 */
export const organizationsWithLanes = (isOfPlatform: string) => `organization AS (
    (SELECT organization_sid FROM outbox_lane WHERE ${isOfPlatform} ORDER BY organization_sid LIMIT 1)
    UNION ALL
    SELECT (SELECT l.organization_sid FROM outbox_lane l WHERE ${isOfPlatform} AND l.organization_sid > o.organization_sid
      ORDER BY l.organization_sid LIMIT 1)
    FROM organization o WHERE o.organization_sid IS NOT NULL
  )`;

/**
 * Everything is read as of the statement's start, `additions` included, even if a message is added before the lane is locked. Settling then sees that
 * the count has changed, and keeps the lane.
 */
const claimOf = (isOfPlatform: string) => `
  WITH RECURSIVE ${organizationsWithLanes(isOfPlatform)}, ready AS MATERIALIZED (
    SELECT lane FROM organization o CROSS JOIN LATERAL (
      SELECT lane, row_number() OVER (ORDER BY due) AS place FROM (
        SELECT lane, due FROM outbox_lane WHERE ${isOfPlatform} AND organization_sid = o.organization_sid AND due <= now()
        ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED) oldest
    ) fair
    WHERE o.organization_sid <> ALL ($3::text[])
    ORDER BY place LIMIT $1
  ), claimed AS (
    UPDATE outbox_lane l SET due = now() + $5::int * interval '1 millisecond', holder = $4 FROM ready WHERE l.lane = ready.lane
    RETURNING l.lane, l.organization_sid
  )
  SELECT claimed.lane, claimed.organization_sid AS "organizationSid", seen.additions,
    EXISTS (SELECT 1 FROM outbox behind WHERE behind.lane = claimed.lane AND behind.seq > entry.seq) AS "hasMore",
    ${joinedColumns('entry', ENTRY)}, ${joinedColumns('hold', HOLD)}, ${joinedColumns('message', MESSAGE)},
    ${joinedColumns('enterprise', ENTERPRISE)}, ${joinedColumns('account', ACCOUNT)}, ${joinedColumns('mapping', MAPPING)}, ${joinedColumns('bot', BOT)},
    ${joinedColumns('conversation', CONVERSATION)}
  FROM claimed
    JOIN outbox_lane seen ON seen.lane = claimed.lane
    LEFT JOIN LATERAL (SELECT * FROM outbox WHERE outbox.lane = claimed.lane ORDER BY outbox.seq LIMIT 1) AS entry ON true
    LEFT JOIN lane_hold hold ON hold.lane = claimed.lane
    LEFT JOIN message ON message.sid = entry.message_sid
    LEFT JOIN enterprise ON enterprise.sid = message.enterprise_sid
    LEFT JOIN account ON account.sid = message.account_sid
    LEFT JOIN mapping ON mapping.sid = message.mapping_sid
    LEFT JOIN bot ON bot.enterprise_sid = message.enterprise_sid
    LEFT JOIN teams_conversation conversation
      ON conversation.enterprise_sid = message.enterprise_sid AND conversation.object_id = mapping.microsoft_object_id`;

const CLAIMS: Readonly<Record<Platform, string>> = { teams: claimOf("lane LIKE 'teams:%'"), carrier: claimOf("lane NOT LIKE 'teams:%'") };
