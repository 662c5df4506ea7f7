-- Finds the users who have open jobs one by one, and the jobs of each, without reading all that wait.
-- What is not in it (queued_at, lease_until) changes several times in a job's life and costs it nothing.
CREATE INDEX jobs_open_of_user ON jobs (platform, user_id, transfer_id) WHERE state = 'open';

-- Finds what ended long ago; and what undoes a transfer, which each removal of one has to know.
CREATE INDEX transfers_finished ON transfers (finished_at) WHERE undoes IS NULL;
CREATE INDEX transfers_undoing ON transfers (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX transfers_undone ON transfers (undone_by) WHERE undone_by IS NOT NULL;
