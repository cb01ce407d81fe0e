-- migration: expand
-- Endpoints that receive message events (docs/adr/0028): each follows the event log of its organization from position on, with the events after it that it
-- has already accepted. An instance delivers to it as holder, until due. generation counts what makes a delivery in progress out of date.
CREATE TABLE webhook_endpoint (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C",
  account_sid text COLLATE "C" NOT NULL,
  url text NOT NULL,
  event_types text[] NOT NULL,
  with_body boolean NOT NULL,
  secret bytea NOT NULL,
  former_secret bytea,
  former_secret_expires timestamptz(3),
  status text NOT NULL DEFAULT 'ACTIVE',
  disabled_reason text,
  date_disabled timestamptz(3),
  position bigint NOT NULL,
  accepted bigint[] NOT NULL DEFAULT ARRAY[]::bigint[],
  generation integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamptz(3),
  due timestamptz(3) NOT NULL DEFAULT now(),
  holder text,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT webhook_endpoint_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX webhook_endpoint_by_date ON webhook_endpoint (organization_sid, date_created, sid);
CREATE INDEX webhook_endpoint_by_due ON webhook_endpoint (due) WHERE status = 'ACTIVE';

-- What became of the latest requests to an endpoint, the tests included: the newest ones, for some days.
CREATE TABLE webhook_attempt (
  endpoint_sid text COLLATE "C" NOT NULL,
  number bigserial NOT NULL,
  organization_sid text COLLATE "C" NOT NULL,
  webhook_id text NOT NULL,
  event_type text NOT NULL,
  message_sid text COLLATE "C",
  status integer,
  error text,
  duration_ms integer NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT webhook_attempt_pkey PRIMARY KEY (endpoint_sid, number),
  CONSTRAINT webhook_attempt_endpoint_sid_fkey FOREIGN KEY (endpoint_sid) REFERENCES webhook_endpoint (sid) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX webhook_attempt_by_age ON webhook_attempt (date_created);
