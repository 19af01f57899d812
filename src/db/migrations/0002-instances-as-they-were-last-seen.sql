-- How an instance was when its region last told: where to fence it when the region's control plane is silent.
create table muster.instance (
  region text not null,
  instance text not null,
  described jsonb not null,
  seen_at timestamptz not null default muster.now(),
  primary key (region, instance)
);

-- Every heartbeat asks which side of a service was promoted last.
create index step_event_of_intent on muster.step_event (step, seq) where kind = 'intent';
