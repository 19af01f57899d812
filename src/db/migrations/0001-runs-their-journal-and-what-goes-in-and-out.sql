create schema if not exists muster;

-- One row: what the clock showed at an anchor, and how fast it runs. Outside a lab it is the wall clock.
create table muster.clock (
  one boolean primary key default true check (one),
  anchor_at timestamptz not null default clock_timestamp(),
  shows timestamptz not null default clock_timestamp(),
  rate double precision not null default 1
);
insert into muster.clock default values;

create function muster.now() returns timestamptz language sql stable parallel safe as
$$ select shows + (clock_timestamp() - anchor_at) * rate from muster.clock $$;

create table muster.run (
  id text primary key,
  job text not null,
  title text not null,
  state text not null default 'proposed' check (state in ('proposed', 'approved', 'running', 'done', 'failed', 'cancelled')),
  plan jsonb not null,
  facts jsonb not null,
  plan_hash text not null,
  engine_version integer not null,
  requested_by text not null,
  reason text,
  -- Where it was asked for: {"kind":"slack","channel":"C01"} or {"kind":"terminal"}.
  place jsonb not null,
  parent text references muster.run,
  proposed_at timestamptz not null default muster.now(),
  approve_until timestamptz not null,
  epoch integer not null default 0,
  owner text,
  lease_until timestamptz,
  next_wake_at timestamptz,
  signals integer not null default 0,
  ended_at timestamptz,
  outcome text
);
create index run_due on muster.run (next_wake_at) where ended_at is null;

-- A lock on a service (or on "db:<instance>"): taken at approval, freed when the run is final.
create table muster.run_service (
  service text primary key,
  run text not null references muster.run
);

create table muster.step_event (
  seq bigint generated always as identity primary key,
  run text not null references muster.run,
  step text,
  kind text not null,
  epoch integer not null,
  payload jsonb not null,
  -- The signal an event answers: each takes effect at most once.
  signal integer,
  at timestamptz not null default muster.now(),
  unique nulls distinct (run, signal, step)
);
create index step_event_of_run on muster.step_event (run, seq);

create table muster.signal (
  run text not null references muster.run,
  seq integer not null,
  key text not null,
  verb text not null,
  payload jsonb not null,
  by text not null,
  at timestamptz not null default muster.now(),
  primary key (run, seq),
  unique (run, key)
);

create table muster.timeline (
  seq bigint generated always as identity primary key,
  run text references muster.run,
  at timestamptz not null default muster.now(),
  line text not null
);
create index timeline_of_run on muster.timeline (run, seq);

-- Commands, clicks: one insert, then the acknowledgement.
create table muster.inbox (
  seq bigint generated always as identity primary key,
  source text not null,
  delivery_key text not null unique,
  body jsonb not null,
  received_at timestamptz not null default muster.now(),
  taken_until timestamptz,
  tries integer not null default 0,
  processed_at timestamptz
);
create index inbox_waiting on muster.inbox (seq) where processed_at is null;

create table muster.outbox (
  seq bigint generated always as identity primary key,
  thread text not null,
  dedupe_key text not null unique,
  payload jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'parked')),
  attempts integer not null default 0,
  next_at timestamptz not null default muster.now(),
  taken_until timestamptz,
  remote_ref text,
  because text,
  sent_at timestamptz
);
create index outbox_waiting on muster.outbox (thread, seq) where state in ('waiting', 'sending');

-- One live card a run: rendered when it is sent; the newest version wins.
create table muster.card (
  run text primary key references muster.run,
  channel text not null,
  wanted_version integer not null default 1,
  sent_version integer not null default 0,
  next_at timestamptz not null default muster.now(),
  taken_until timestamptz,
  attempts integer not null default 0,
  remote_ref text,
  because text
);

-- What an opaque button id stands for.
create table muster.button (
  id text primary key,
  run text not null references muster.run,
  verb text not null,
  step text,
  plan_hash text not null,
  made_at timestamptz not null default muster.now()
);

-- One look at a service's health address: "public" by its name, or through one region's edge.
create table muster.probe (
  seq bigint generated always as identity primary key,
  service text not null,
  via text not null,
  ok boolean not null,
  took_ms integer not null,
  why text,
  at timestamptz not null default muster.now()
);
create index probe_of_service on muster.probe (service, via, at);

-- Whose turn a periodic duty is (prober, heartbeat, watcher): one process at a time, for a few seconds.
create table muster.turn (
  duty text primary key,
  holder text not null,
  until timestamptz not null
);

-- The last heartbeat each writer is known to have taken: what loss is measured from when it no longer answers.
create table muster.heartbeat (
  instance text primary key,
  beat_at timestamptz not null,
  seen_at timestamptz not null default muster.now()
);

-- A person's TOTP secret, encrypted; the last time step used, so that a code counts once.
create table muster.totp (
  person text primary key,
  secret bytea not null,
  last_step bigint not null default 0,
  tries integer not null default 0,
  locked_until timestamptz,
  enrolled_at timestamptz not null default muster.now()
);

-- Old sides that could not be fenced; probed until they answer.
create table muster.unfenced (
  instance text primary key,
  run text not null references muster.run,
  since timestamptz not null default muster.now(),
  refence_run text references muster.run,
  fenced_at timestamptz
);
