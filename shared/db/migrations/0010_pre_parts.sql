-- A transfer that does not fit into one playlist goes on in further ones. Tables of their own, because the
-- release before reads whole rows of transfers and items inside transactions.

-- The playlists of a transfer that has more than one, an undo's too; the transfer's row is about the one that is
-- being worked on, which is the last one here that is not closed. One that fits into its first has no row.
CREATE TABLE target_parts (
    transfer_id uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    part        smallint NOT NULL,
    playlist_id text, -- NULL until it is made
    name        text NOT NULL,
    url         text,
    is_new      boolean NOT NULL,
    base_count  integer NOT NULL DEFAULT 0,
    track_count integer NOT NULL DEFAULT 0, -- when it was closed
    is_closed   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (transfer_id, part)
);

-- Which of them an item was written to, where that is not the first.
CREATE TABLE item_parts (
    transfer_id uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    position    integer NOT NULL,
    part        smallint NOT NULL,
    PRIMARY KEY (transfer_id, position)
);
CREATE VIEW placed_items AS
SELECT items.transfer_id, items.position, items.outcome, items.is_written,
       items.target_track_id AS track_id, items.target ->> 'title' AS title, coalesce(item_parts.part, 1) AS part
FROM items LEFT JOIN item_parts USING (transfer_id, position);

-- The doubt is about this playlist of a restored transfer and those behind it.
ALTER TABLE doubtful_targets ADD COLUMN part smallint NOT NULL DEFAULT 1;

-- Webhooks tell all playlists.
CREATE OR REPLACE FUNCTION transfer_facts(one transfers) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'transfer', to_jsonb(one) - '{request_sha256,idempotency_key,trace,warnings}'::text[],
        'counts', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(outcome, is_written, item_count)), '[]')
            FROM item_counts WHERE transfer_id = one.id
        ),
        'parts', (
            SELECT coalesce(jsonb_agg(to_jsonb(part) - 'transfer_id' ORDER BY part.part), '[]')
            FROM target_parts AS part WHERE transfer_id = one.id
        )
    )
$$;
