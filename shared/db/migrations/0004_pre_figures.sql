-- What the metrics of the fleet are counted from, without a look at everything that is over.

CREATE INDEX transfers_active ON transfers (state) WHERE state IN ('queued', 'running', 'paused');
CREATE INDEX jobs_dead ON jobs (transfer_id) WHERE state = 'dead';
CREATE INDEX connections_standing ON connections (platform, state, sign_in_ends_at);
