-- How long a message has waited: next_at moves with each try.
alter table muster.outbox add column put_at timestamptz not null default muster.now();
create index outbox_parked on muster.outbox (seq) where state = 'parked';

-- The newest heartbeat that each replica is known to have, for those who watch how far it is behind.
create table muster.replica_beat (
  instance text primary key,
  service text not null,
  beat_at timestamptz not null,
  seen_at timestamptz not null default muster.now()
);
