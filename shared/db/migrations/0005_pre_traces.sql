-- By which message the current owner has got a job, and when: whoever takes it over from a dead one tells of it.
ALTER TABLE jobs ADD COLUMN taken_at timestamptz, ADD COLUMN taken_trace jsonb;
