-- A source that everybody may see needs nobody's account; source_market is the country in whose catalog it is
-- read then, '' where the server chooses it, and null where a connection reads.
ALTER TABLE transfers
    ALTER COLUMN source_connection_id DROP NOT NULL,
    ADD COLUMN source_market text;
