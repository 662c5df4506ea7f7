-- Everything a transfer is made of. Redis holds nothing that is not derived from these tables.

CREATE TABLE users (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz -- none of the user's keys is accepted any more
);

CREATE TABLE api_keys (
    id            text PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users,
    secret_sha256 bytea NOT NULL,
    name          text NOT NULL,
    scopes        text[] NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    expires_at    timestamptz,
    revoked_at    timestamptz
);
CREATE INDEX api_keys_of_user ON api_keys (user_id, created_at DESC, id DESC);

CREATE TABLE connections (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users,
    platform      text NOT NULL,
    account_id    text,
    label         text NOT NULL,
    market        text NOT NULL,
    state         text NOT NULL DEFAULT 'connected'
                  CHECK (state IN ('connected', 'reconnect_required', 'disconnected')),
    sealed_tokens text NOT NULL,
    version       bigint NOT NULL DEFAULT 1,
    authorized_at timestamptz NOT NULL,
    sign_in_ends_at timestamptz, -- NULL where the platform sets no known end; refreshing does not move it
    created_at    timestamptz NOT NULL DEFAULT now(),

    -- Who asks the platform for fresh tokens right now; a row, so that no connection is held meanwhile.
    refresh_owner text,
    refresh_until timestamptz,
    UNIQUE (user_id, platform, account_id)
);

CREATE TABLE connect_sessions (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users,
    platform        text NOT NULL,
    flow            text NOT NULL CHECK (flow IN ('redirect', 'browser_token')),
    -- The connection that is to be renewed, null for whichever account signs in; whether to add another one
    -- where the platform names no account.
    renews          uuid REFERENCES connections,
    is_another      boolean NOT NULL,
    -- Where the platform sends the browser, and whether its caller brings us that address.
    redirect_uri    text,
    is_handed_in    boolean NOT NULL,
    -- Of the latest time that somebody set out for the platform: the browser they had, null for a program.
    state_sha256    bytea UNIQUE,
    sealed_verifier text,
    browser_sha256  bytea,
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'connected', 'denied', 'failed')),
    failure_code    text,
    failure         text,
    connection_id   uuid REFERENCES connections,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz
);
CREATE INDEX connect_sessions_over ON connect_sessions (expires_at);

CREATE TABLE transfers (
    id                   uuid PRIMARY KEY,
    user_id              uuid NOT NULL REFERENCES users,
    idempotency_key      text,
    request_sha256       bytea NOT NULL,

    source_connection_id uuid NOT NULL REFERENCES connections,
    source_platform      text NOT NULL,
    source_playlist_id   text NOT NULL,
    source_name          text NOT NULL,
    target_connection_id uuid NOT NULL REFERENCES connections,
    target_platform      text NOT NULL,
    target_playlist_id   text,
    target_name          text NOT NULL,
    target_url           text,
    target_is_new        boolean NOT NULL,
    policy               text NOT NULL,
    explicit             text NOT NULL DEFAULT 'as_source'
                         CHECK (explicit IN ('as_source', 'prefer', 'avoid')),
    on_duplicate         text NOT NULL CHECK (on_duplicate IN ('keep', 'skip')),

    state                text NOT NULL DEFAULT 'queued'
                         CHECK (state IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    phase                text NOT NULL DEFAULT 'read'
                         CHECK (phase IN ('read', 'match', 'write', 'undo', 'verify')),
    revision             bigint NOT NULL DEFAULT 1,
    is_read              boolean NOT NULL DEFAULT false,
    is_cancelling        boolean NOT NULL DEFAULT false,
    pause_reason         text,
    pause_platform       text,
    pause_text           text NOT NULL DEFAULT '', -- the operator's words, read while that is the reason
    resume_at            timestamptz,
    error_code           text,
    error_text           text,
    warnings             jsonb NOT NULL DEFAULT '[]',
    trace                jsonb NOT NULL DEFAULT '{}',

    -- The target as we know it: its length before our first write and after our last checkpoint.
    is_target_claimed    boolean NOT NULL DEFAULT false,
    target_base_count    integer,
    target_count         integer,
    source_count         integer,
    repair_count         integer NOT NULL DEFAULT 0,
    -- When it was last opened again after it was completed, by a late decision or by a retry. Only items of this
    -- opening are proved again: what else is not there any more, somebody has removed since.
    reopened_at          timestamptz,
    -- What was last asked to be tried again, null where a late decision came after it.
    retry_scope          text CHECK (retry_scope IN ('unmatched', 'failed', 'all')),

    created_at           timestamptz NOT NULL DEFAULT now(),
    started_at           timestamptz,
    finished_at          timestamptz,
    -- An undo is a transfer of its own; the two name each other. A cancelled undo makes room for a new one.
    undoes               uuid REFERENCES transfers,
    undone_by            uuid REFERENCES transfers,
    UNIQUE (user_id, idempotency_key)
);
CREATE INDEX transfers_of_user ON transfers (user_id, created_at DESC);
CREATE INDEX transfers_paused ON transfers (resume_at) WHERE state = 'paused';
-- One transfer at a time writes to a playlist; offsets would mean nothing otherwise.
CREATE UNIQUE INDEX transfers_one_writer ON transfers (target_platform, target_playlist_id)
    WHERE is_target_claimed;

CREATE TABLE items (
    transfer_id     uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    position        integer NOT NULL,
    source          jsonb NOT NULL,
    outcome         text NOT NULL DEFAULT 'pending',
    reason          text NOT NULL DEFAULT '',
    score           real,
    target          jsonb,
    target_track_id text,
    -- What was chosen before and the platform would not take.
    refused_track_ids text[] NOT NULL DEFAULT '{}',
    -- Its user has named the track: nothing else is ever chosen in its place.
    is_users_choice boolean NOT NULL DEFAULT false,
    -- The opening of its transfer for which it was decided, or tried again; null for the first run.
    reopened_at     timestamptz,
    -- How near the chosen candidate is, else the nearest one; and up to five others with theirs.
    evidence        jsonb,
    alternatives    jsonb,
    is_written      boolean NOT NULL DEFAULT false,
    -- When it got the outcome that it has, null while that is not final.
    decided_at      timestamptz,
    -- Has a track that is to stand in the target. The one place where the database lists these outcomes.
    is_matched      boolean GENERATED ALWAYS AS (
        outcome IN ('exact', 'same_recording', 'best_effort', 'chosen_by_user')
    ) STORED,
    PRIMARY KEY (transfer_id, position)
);
CREATE INDEX items_unwritten ON items (transfer_id, position)
    WHERE NOT is_written AND is_matched;
CREATE INDEX items_written ON items (transfer_id, position) WHERE is_written;
CREATE INDEX items_standing ON items (transfer_id, target_track_id) WHERE is_written;

CREATE FUNCTION date_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.decided_at = CASE WHEN NEW.outcome NOT IN ('pending', 'deferred') THEN now() END;
    RETURN NEW;
END $$;
CREATE TRIGGER items_decided_first BEFORE INSERT ON items
    FOR EACH ROW WHEN (NEW.outcome <> 'pending') EXECUTE FUNCTION date_decision();
CREATE TRIGGER items_decided BEFORE UPDATE ON items
    FOR EACH ROW WHEN (OLD.outcome <> NEW.outcome) EXECUTE FUNCTION date_decision();

-- How many items of a transfer are in which outcome, kept by every statement that changes some: a status
-- is asked for often, and a transfer may have a hundred thousand of them. Lock the transfer before its items.
CREATE TABLE item_counts (
    transfer_id uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    outcome     text NOT NULL,
    is_written  boolean NOT NULL,
    item_count  integer NOT NULL,
    PRIMARY KEY (transfer_id, outcome, is_written)
);
CREATE FUNCTION count_new_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO item_counts
    SELECT transfer_id, outcome, is_written, count(*) FROM new_items GROUP BY 1, 2, 3
    ON CONFLICT (transfer_id, outcome, is_written)
    DO UPDATE SET item_count = item_counts.item_count + excluded.item_count;
    RETURN NULL;
END $$;
CREATE FUNCTION count_changed_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO item_counts
    SELECT transfer_id, outcome, is_written, sum(change) FROM (
        SELECT transfer_id, outcome, is_written, 1 AS change FROM new_items
        UNION ALL SELECT transfer_id, outcome, is_written, -1 FROM old_items
    ) AS changes
    GROUP BY 1, 2, 3 HAVING sum(change) <> 0
    ON CONFLICT (transfer_id, outcome, is_written)
    DO UPDATE SET item_count = item_counts.item_count + excluded.item_count;
    RETURN NULL;
END $$;
CREATE TRIGGER items_inserted AFTER INSERT ON items REFERENCING NEW TABLE AS new_items
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_items();
CREATE TRIGGER items_changed AFTER UPDATE ON items REFERENCING OLD TABLE AS old_items NEW TABLE AS new_items
    FOR EACH STATEMENT EXECUTE FUNCTION count_changed_items();

CREATE TABLE jobs (
    id             uuid PRIMARY KEY,
    transfer_id    uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    user_id        uuid NOT NULL,
    platform       text NOT NULL,
    phase          text NOT NULL,
    batch          integer NOT NULL,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dead')),
    cursor         text,
    first_position integer NOT NULL DEFAULT 0,
    last_position  integer NOT NULL DEFAULT -1,
    batch_limit    integer,
    failure_count  integer NOT NULL DEFAULT 0,

    run_at         timestamptz NOT NULL DEFAULT now(),
    queued_at      timestamptz,
    attempt        integer NOT NULL DEFAULT 0,
    epoch          bigint NOT NULL DEFAULT 0,
    lease_owner    text,
    lease_until    timestamptz,
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    UNIQUE (transfer_id, phase, batch)
);
CREATE INDEX jobs_open ON jobs (platform, run_at) WHERE state = 'open';
CREATE INDEX jobs_open_of_transfer ON jobs (transfer_id, phase) WHERE state = 'open';

-- What is about to be written, committed before the call and gone with its checkpoint.
CREATE TABLE intents (
    job_id         uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    kind           text NOT NULL CHECK (kind IN ('create', 'add', 'remove')),
    epoch          bigint NOT NULL,
    -- When it was declared; then when it was found open, from which on nothing of it can be under way.
    sent_at        timestamptz NOT NULL,
    expected_count integer NOT NULL DEFAULT 0,
    target_offset  integer NOT NULL DEFAULT 0,
    positions      integer[] NOT NULL DEFAULT '{}',
    track_ids      text[] NOT NULL DEFAULT '{}',
    observed       text,
    observed_at    timestamptz
);

-- What stood in an existing target before our first write: its last rows, and how often each track.
CREATE TABLE target_bases (
    transfer_id uuid PRIMARY KEY REFERENCES transfers ON DELETE CASCADE,
    tail        text[] NOT NULL
);
CREATE TABLE target_base_tracks (
    transfer_id uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    track_id    text NOT NULL,
    times       integer NOT NULL,
    PRIMARY KEY (transfer_id, track_id)
);

-- What users have said about a track once and for all: what it is at a platform, or that it is not there.
CREATE TABLE match_rules (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users,
    source_platform text NOT NULL,
    source_track_id text NOT NULL,
    source          jsonb NOT NULL,
    target_platform text NOT NULL,
    target          jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, source_platform, source_track_id, target_platform)
);
CREATE INDEX match_rules_of_user ON match_rules (user_id, created_at DESC, id DESC);

-- What a platform's catalog answered to a look-up: the durable side of the cache.
CREATE TABLE lookups (
    platform     text NOT NULL,
    market       text NOT NULL,
    question     text NOT NULL,
    candidates   jsonb NOT NULL,
    miss_count   integer NOT NULL DEFAULT 0,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (platform, market, question)
);
-- Finds the answers that offered a track; of the candidates only their ids are indexed.
CREATE INDEX lookups_offering ON lookups
    USING gin (jsonb_path_query_array(candidates, '$[*].id') jsonb_path_ops);

-- Platforms that the operator has paused: none of their jobs is given out.
CREATE TABLE platform_pauses (
    platform  text PRIMARY KEY,
    reason    text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now()
);

-- Jobs that a paused platform holds. Of a transfer that is being cancelled only those with an open write:
-- what that did, the platform has to tell.
CREATE VIEW held_jobs AS
SELECT jobs.id, jobs.transfer_id, jobs.platform
FROM platform_pauses
JOIN jobs ON jobs.platform = platform_pauses.platform AND jobs.state = 'open'
JOIN transfers ON transfers.id = jobs.transfer_id
WHERE NOT transfers.is_cancelling OR EXISTS (SELECT FROM intents WHERE intents.job_id = jobs.id);

-- Transfers that a paused platform holds, and which: all that touch it, whatever their next job is.
CREATE VIEW held_transfers AS
SELECT DISTINCT ON (transfers.id) transfers.id, platform_pauses.platform, platform_pauses.reason
FROM platform_pauses
JOIN transfers ON platform_pauses.platform IN (transfers.source_platform, transfers.target_platform)
WHERE transfers.state IN ('queued', 'running', 'paused')
      AND (NOT transfers.is_cancelling OR EXISTS (
          SELECT FROM held_jobs
          WHERE held_jobs.transfer_id = transfers.id AND held_jobs.platform = platform_pauses.platform
      ))
ORDER BY transfers.id, platform_pauses.platform;

CREATE TABLE workers (
    id         text PRIMARY KEY,
    slot_count integer NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now()
);
