-- Accounts are linked by a form, too. The release before cannot show such an attempt, which lives ten minutes.
ALTER TABLE connect_sessions
    DROP CONSTRAINT connect_sessions_flow_check,
    ADD CONSTRAINT connect_sessions_flow_check CHECK (flow IN ('redirect', 'browser_token', 'form'));
