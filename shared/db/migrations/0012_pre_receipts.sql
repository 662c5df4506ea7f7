-- How many tracks of a transfer's playlist the platform itself has named as added, in order, in its answers.
CREATE TABLE receipts (
    transfer_id  uuid NOT NULL REFERENCES transfers ON DELETE CASCADE,
    part         smallint NOT NULL,
    proved_count integer NOT NULL,
    PRIMARY KEY (transfer_id, part)
);
