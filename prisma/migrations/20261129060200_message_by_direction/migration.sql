-- In place of an index for each direction. Rows of one time are sorted by sid when they are read: so new rows come last among those of their kind, pages
-- fill up, and equal entries are stored once.
CREATE INDEX message_by_direction ON message (organization_sid, direction, date_created);
CREATE INDEX message_by_listed_status ON message (organization_sid, listed_status, date_created) WHERE listed_status IS NOT NULL;
