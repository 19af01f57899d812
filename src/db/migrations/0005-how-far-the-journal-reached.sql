-- Names this journal in the databases Muster looks after: each keeps how far it reached. A copy of it has the same name.
create table muster.installation (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid()
);
insert into muster.installation default values;

-- Each time this database turned out to be an older copy: what was missing from the journal, and where it ended then.
create table muster.set_back (
  id bigint generated always as identity primary key,
  lost_seq bigint not null,
  lost_at timestamptz not null,
  newest_seq bigint,
  newest_at timestamptz,
  -- Who had seen the entry that is missing.
  seen_by text not null,
  found_at timestamptz not null default muster.now()
);
