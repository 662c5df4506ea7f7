-- Nobody is left who does not say which release it is.
ALTER TABLE workers
    ALTER COLUMN release DROP DEFAULT,
    ALTER COLUMN schema_number DROP DEFAULT;

-- What was applied stands in schema_changes, see shared/db/schema.py.
DROP TABLE IF EXISTS schema_migrations;
