-- Playlists that came from files, or are to be fetched as some; and what the tracks in them are.

CREATE TABLE shelf_playlists (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    format      text, -- of the file that it was read from; null where a transfer has made it
    rest        jsonb NOT NULL DEFAULT '[]', -- rows of that file that are no items, each with its reason
    track_count integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX shelf_playlists_of_user ON shelf_playlists (user_id, created_at, id);
CREATE INDEX shelf_playlists_changed ON shelf_playlists (changed_at);

-- A track is named by its own words, so the same words are stored once for a user.
CREATE TABLE shelf_tracks (
    user_id uuid NOT NULL REFERENCES users,
    id      text NOT NULL,
    track   jsonb NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(), -- when it was last wanted
    PRIMARY KEY (user_id, id)
);
CREATE INDEX shelf_tracks_kept ON shelf_tracks (kept_at);

-- One row per position, 0 … track_count - 1. A row without a track says in `odd` what stood there.
CREATE TABLE shelf_items (
    playlist_id uuid NOT NULL REFERENCES shelf_playlists ON DELETE CASCADE,
    position    integer NOT NULL,
    user_id     uuid NOT NULL,
    track_id    text,
    odd         jsonb,
    PRIMARY KEY (playlist_id, position) DEFERRABLE, -- what stands behind an insert moves up in one statement
    FOREIGN KEY (user_id, track_id) REFERENCES shelf_tracks,
    CHECK ((track_id IS NULL) <> (odd IS NULL))
);
CREATE INDEX shelf_items_of_track ON shelf_items (user_id, track_id);
