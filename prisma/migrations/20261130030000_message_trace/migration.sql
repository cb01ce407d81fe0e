-- migration: expand
-- The trace that a message was accepted in: W3C traceparent and tracestate. Written only while tracing is on.
CREATE TABLE message_trace (
  message_sid text COLLATE "C" PRIMARY KEY,
  context text NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX message_trace_by_date ON message_trace (date_created);
