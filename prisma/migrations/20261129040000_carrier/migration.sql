-- How far a job has come, so that the next run begins there.
ALTER TABLE scheduled_job ADD COLUMN done_until timestamptz(3);
