-- How often messages have been added to a lane: one that was claimed may be deleted only if none has been added since.
ALTER TABLE outbox_lane ADD COLUMN additions integer NOT NULL DEFAULT 0;

-- The lanes to each platform are claimed by themselves, so that one that is slow does not hold up the other.
DROP INDEX outbox_lane_due;
CREATE INDEX outbox_lane_to_teams ON outbox_lane (organization_sid, due) WHERE lane LIKE 'teams:%';
CREATE INDEX outbox_lane_to_carrier ON outbox_lane (organization_sid, due) WHERE lane NOT LIKE 'teams:%';
