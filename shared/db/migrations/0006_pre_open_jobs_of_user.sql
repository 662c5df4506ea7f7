-- Finds the users who have open jobs one by one, and the jobs of each, without reading all that wait.
-- What is not in it (queued_at, lease_until) changes several times in a job's life and costs it nothing.
CREATE INDEX jobs_open_of_user ON jobs (platform, user_id, transfer_id) WHERE state = 'open';
