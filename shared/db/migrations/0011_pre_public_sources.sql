-- A source that everybody may see needs nobody's account. The release before cannot show such a transfer.
ALTER TABLE transfers ALTER COLUMN source_connection_id DROP NOT NULL;

-- The country in whose catalog it is read then, '' where the server chooses it. A table of its own, because the
-- release before reads whole rows of transfers inside transactions.
CREATE TABLE public_sources (
    transfer_id uuid PRIMARY KEY REFERENCES transfers ON DELETE CASCADE,
    market      text NOT NULL
);
