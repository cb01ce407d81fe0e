-- Messages on the move.

ALTER TABLE message
  ADD COLUMN teams_conversation_id text,
  ADD COLUMN teams_activity_id text,
  -- A hand-over whose outcome nobody knows was repeated: the recipient may have the message twice.
  ADD COLUMN possibly_duplicated boolean NOT NULL DEFAULT false,
  -- Retries are used up; waits for retryMessage.
  ADD COLUMN stuck boolean NOT NULL DEFAULT false;

-- A repeated webhook or activity is one message.
CREATE UNIQUE INDEX message_restcomm_sid_unique ON message (organization_sid, restcomm_message_sid) WHERE restcomm_message_sid IS NOT NULL;
CREATE UNIQUE INDEX message_activity_unique ON message (organization_sid, teams_conversation_id, teams_activity_id)
  WHERE direction = 'INBOUND' AND teams_activity_id IS NOT NULL;
CREATE INDEX message_stuck ON message (organization_sid, date_created, sid) WHERE stuck;
-- What the reconciler asks the platform about.
CREATE INDEX message_unsettled ON message (date_updated) WHERE direction = 'INBOUND' AND channel_status IN ('SENDING', 'SENT');

-- Whose a number was, for what still arrives after its mapping was deleted.
CREATE TABLE released_mapping (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  external_address text NOT NULL,
  microsoft_address text NOT NULL,
  date_released timestamptz(3) NOT NULL DEFAULT now()
);

-- When Microsoft was last asked for the user. Without an object id since: it knows none of this address.
ALTER TABLE mapping ADD COLUMN microsoft_checked timestamptz(3);
CREATE INDEX mapping_unresolved ON mapping (enterprise_sid) WHERE microsoft_object_id IS NULL;
CREATE INDEX mapping_by_object_id ON mapping (microsoft_object_id) WHERE microsoft_object_id IS NOT NULL;
CREATE INDEX bot_by_application ON bot (application_id, tenant_id);

-- Where a Teams user is reached by an enterprise's bot, and with whom they last spoke.
CREATE TABLE teams_conversation (
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  object_id text COLLATE "C" NOT NULL,
  conversation_id text,
  service_url text,
  last_mapping_sid text COLLATE "C",
  last_number text,
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT teams_conversation_pkey PRIMARY KEY (enterprise_sid, object_id),
  CONSTRAINT teams_conversation_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid) REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);

-- What is still to be handed over, in the order of each lane. A lane is one conversation; it is worked on by one instance at a time.
CREATE TABLE outbox (
  message_sid text COLLATE "C" PRIMARY KEY,
  lane text COLLATE "C" NOT NULL,
  seq bigserial NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  -- Set before the request leaves and cleared with its answer. Found set, the outcome of that attempt is unknown.
  attempt_started timestamptz(3),
  CONSTRAINT outbox_message_sid_fkey FOREIGN KEY (message_sid) REFERENCES message (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX outbox_by_lane ON outbox (lane, seq);

CREATE TABLE outbox_lane (
  lane text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  -- When it is to be worked on: now, after a pause, or, while an instance has it, when that instance is given up on.
  due timestamptz(3) NOT NULL DEFAULT now(),
  -- Who has it, until due.
  holder text
);
CREATE INDEX outbox_lane_due ON outbox_lane (organization_sid, due);

-- Jobs that one instance at a time runs.
CREATE TABLE scheduled_job (
  name text COLLATE "C" PRIMARY KEY,
  due timestamptz(3) NOT NULL DEFAULT now()
);
