-- Messages that wait until somebody removes what keeps them (docs/adr/0015).

CREATE TYPE message_hold_reason AS ENUM (
  'BOT_MISSING', 'BOT_CREDENTIALS', 'BOT_NOT_REGISTERED', 'BOT_BLOCKED', 'GRAPH_PERMISSION', 'SERVICE_URL', 'APP_NOT_INSTALLED', 'USER_UNKNOWN',
  'ENTERPRISE_INACTIVE', 'ACCOUNT_SUSPENDED', 'CARRIER_ACCOUNT', 'RETRIES_EXHAUSTED'
);

ALTER TABLE message
  -- Why it is stuck, and since when.
  ADD COLUMN hold_reason message_hold_reason,
  ADD COLUMN held_since timestamptz(3),
  -- It is FAILED, and no retry can change that.
  ADD COLUMN failed_for_good boolean NOT NULL DEFAULT false,
  -- Restcomm's sids of attempts that failed and were retried: their late reports say nothing about the current attempt.
  ADD COLUMN former_restcomm_sids text[] DEFAULT ARRAY[]::text[];

UPDATE message SET hold_reason = 'RETRIES_EXHAUSTED', held_since = date_updated WHERE stuck;
-- What the platforms will refuse again: the content, or the recipient.
UPDATE message SET failed_for_good = true
WHERE channel_status = 'FAILED' AND channel_error_code IN (
  'ConversationBlockedByUser', 'MessageSizeTooBig', 'BadSyntax', 'BadArgument', 'Bad Argument', 'MAPPING_NOT_FOUND', 'ENTERPRISE_CLOSED',
  'HTTP_400', '30004', '30005', '30006', '30007', '30010'
);
CREATE INDEX message_retryable ON message (organization_sid, date_created, sid) WHERE channel_status = 'FAILED' AND NOT failed_for_good;

-- Whether it has a row in lane_hold. Who adds a message to the lane sees it here even if it was held in the same moment.
ALTER TABLE outbox_lane ADD COLUMN held boolean NOT NULL DEFAULT false;

-- A lane whose first message waits for a cure. It is due again when the cure may have gone unnoticed.
CREATE TABLE lane_hold (
  lane text COLLATE "C" PRIMARY KEY,
  reason message_hold_reason NOT NULL,
  -- The platform's code and words.
  code text COLLATE "C" NOT NULL,
  message text NOT NULL,
  since timestamptz(3) NOT NULL DEFAULT now(),
  -- How often it was tried since.
  probes integer NOT NULL DEFAULT 0,
  -- Something that may be the cure happened since the last attempt began.
  released boolean NOT NULL DEFAULT false,
  organization_sid text COLLATE "C" NOT NULL,
  -- Of the first message: a cure is an enterprise's, a mapping's or an account's.
  enterprise_sid text COLLATE "C" NOT NULL,
  mapping_sid text COLLATE "C",
  account_sid text COLLATE "C" NOT NULL,
  CONSTRAINT lane_hold_lane_fkey FOREIGN KEY (lane) REFERENCES outbox_lane (lane) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX lane_hold_by_enterprise ON lane_hold (enterprise_sid, reason);
CREATE INDEX lane_hold_by_mapping ON lane_hold (mapping_sid);
CREATE INDEX lane_hold_by_account ON lane_hold (account_sid, reason);
CREATE INDEX lane_hold_by_reason ON lane_hold (reason);
