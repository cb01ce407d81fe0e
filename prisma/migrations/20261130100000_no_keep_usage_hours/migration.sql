-- migration: expand
-- Nothing calls it since the hours of zones are made for a whole statement at once (20261130080000): no gateway ever did, only the former triggers.
DROP FUNCTION keep_usage_hours(text, timestamptz, timestamptz);
