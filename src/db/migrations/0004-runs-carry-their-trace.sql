-- Where a run was asked for, as W3C's traceparent: whoever drives it, in whatever process, goes on with that trace.
alter table muster.run add column trace text;
