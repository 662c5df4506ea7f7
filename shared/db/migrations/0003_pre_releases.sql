-- Which releases run, so that nothing is taken away under an older one. A worker of the release before this
-- file says nothing of itself, and is what the defaults say.
ALTER TABLE workers
    ADD COLUMN release text NOT NULL DEFAULT '0.1.0',
    ADD COLUMN schema_number integer NOT NULL DEFAULT 2;

CREATE TABLE gateways (
    id            text PRIMARY KEY,
    release       text NOT NULL,
    schema_number integer NOT NULL,
    seen_at       timestamptz NOT NULL DEFAULT now()
);

-- Transfers that a backup was restored with: their targets may hold more than the rows know of. A table of its
-- own, because the release before reads whole rows of transfers inside transactions.
CREATE TABLE doubtful_targets (
    transfer_id uuid PRIMARY KEY REFERENCES transfers ON DELETE CASCADE
);
