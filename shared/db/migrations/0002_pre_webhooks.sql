-- Webhooks: where users want to be told of something, what is to be told, and what became of that.

CREATE TABLE webhooks (
    id                uuid PRIMARY KEY,
    user_id           uuid NOT NULL REFERENCES users,
    url               text NOT NULL,
    description       text NOT NULL,
    events            text[] NOT NULL,
    is_enabled        boolean NOT NULL DEFAULT true,
    -- Why it is disabled, where it was not its user who did that.
    disabled_reason   text CHECK (disabled_reason IN ('gone', 'failing')),
    sealed_secret     text NOT NULL,
    sealed_old_secret text,
    old_secret_until  timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),

    -- Since when every attempt has failed, null while the last one did not.
    failing_since     timestamptz,
    -- One delivery at a time, so that what happened in order arrives in order, and a slow receiver takes one
    -- place. The epoch rises with each attempt and fences its result.
    epoch             bigint NOT NULL DEFAULT 0,
    lease_until       timestamptz,
    served_at         timestamptz
);
CREATE INDEX webhooks_of_user ON webhooks (user_id, created_at DESC, id DESC);

CREATE TABLE webhook_deliveries (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- The order in which they were stored, which of one transfer is that of its changes.
    number           bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id       uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    type             text NOT NULL,
    subject_id       uuid,
    -- What is told once only.
    once             text,
    -- The facts as they were when it happened; the body is made from them.
    snapshot         jsonb NOT NULL DEFAULT '{}',
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempt_count    integer NOT NULL DEFAULT 0,
    -- Failures since it was made or replayed: they tell which retry is next.
    failure_count    integer NOT NULL DEFAULT 0,
    next_try_at      timestamptz DEFAULT clock_timestamp(),
    last_tried_at    timestamptz,
    last_status      integer,
    last_error       text,
    last_duration_ms integer,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_try_at, number)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, number DESC);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, once) WHERE once IS NOT NULL;
CREATE INDEX webhook_deliveries_progress ON webhook_deliveries (subject_id, webhook_id, created_at)
    WHERE type = 'transfer.progress';

-- The lock keeps a webhook that is being removed from breaking the transaction that tells it something.
-- Progress is told at most every ten seconds, and not while an older one of the same transfer still waits.
CREATE FUNCTION tell_webhooks(owner_id uuid, event text, subject uuid, facts jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO webhook_deliveries (webhook_id, type, subject_id, snapshot)
    SELECT id, event, subject, facts FROM webhooks
    WHERE user_id = owner_id AND is_enabled AND event = ANY (events)
          AND (event <> 'transfer.progress' OR NOT EXISTS (
              SELECT FROM webhook_deliveries AS earlier
              WHERE earlier.subject_id = subject AND earlier.webhook_id = webhooks.id
                    AND earlier.type = 'transfer.progress'
                    AND (earlier.state = 'pending'
                         OR earlier.created_at > clock_timestamp() - interval '10 seconds')))
    FOR KEY SHARE
$$;
CREATE FUNCTION transfer_facts(one transfers) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'transfer', to_jsonb(one) - '{request_sha256,idempotency_key,trace,warnings}'::text[],
        'counts', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(outcome, is_written, item_count)), '[]')
            FROM item_counts WHERE transfer_id = one.id
        )
    )
$$;

-- At the commit, when the transaction has counted its items too. A state that it has left again is not told.
-- Whoever cancels a transfer that waits does not resume or start it, though a worker has to wind it up.
CREATE FUNCTION tell_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event text = CASE
        WHEN TG_OP = 'INSERT' THEN 'transfer.queued'
        WHEN NEW.state IN ('completed', 'failed', 'cancelled') THEN 'transfer.' || NEW.state
        WHEN NEW.state = 'paused' THEN 'transfer.paused'
        WHEN NEW.is_cancelling AND NOT OLD.is_cancelling THEN NULL
        WHEN OLD.state IN ('paused', 'completed', 'failed') THEN 'transfer.resumed'
        WHEN OLD.state = 'queued' AND NEW.state = 'running' THEN 'transfer.started'
        WHEN NEW.state = 'running' THEN 'transfer.progress'
    END;
    latest transfers;
BEGIN
    IF event IS NULL OR NOT EXISTS (
        SELECT FROM webhooks WHERE user_id = NEW.user_id AND is_enabled AND event = ANY (events)
    ) THEN
        RETURN NULL; -- which is all that it costs whoever has no webhook
    END IF;
    SELECT * INTO latest FROM transfers WHERE id = NEW.id;
    IF latest.state = NEW.state THEN
        PERFORM tell_webhooks(NEW.user_id, event, NEW.id, transfer_facts(latest));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transfers_tell_new AFTER INSERT ON transfers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell_transfer();
CREATE CONSTRAINT TRIGGER transfers_tell_state AFTER UPDATE ON transfers
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state <> NEW.state
          OR NEW.state = 'paused'
             AND (OLD.pause_reason, OLD.pause_platform) IS DISTINCT FROM (NEW.pause_reason, NEW.pause_platform)
          OR NEW.state = 'running' AND OLD.revision <> NEW.revision)
    EXECUTE FUNCTION tell_transfer();

-- The count of doubtful items gets its row with the first of them, once for each transfer.
CREATE FUNCTION tell_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    latest transfers;
BEGIN
    SELECT * INTO latest FROM transfers WHERE id = NEW.transfer_id;
    PERFORM tell_webhooks(latest.user_id, 'transfer.needs_review', latest.id, transfer_facts(latest));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER item_counts_tell_review AFTER INSERT ON item_counts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.outcome = 'review')
    EXECUTE FUNCTION tell_review();

CREATE FUNCTION connection_facts(one connections) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', one.id, 'platform', one.platform, 'label', one.label, 'state', one.state)
$$;
CREATE FUNCTION tell_connection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_webhooks(NEW.user_id, 'connection.' || NEW.state, NEW.id, connection_facts(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER connections_tell_new AFTER INSERT ON connections
    FOR EACH ROW EXECUTE FUNCTION tell_connection();
CREATE TRIGGER connections_tell_state AFTER UPDATE ON connections
    FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.authorized_at <> NEW.authorized_at)
    EXECUTE FUNCTION tell_connection();
