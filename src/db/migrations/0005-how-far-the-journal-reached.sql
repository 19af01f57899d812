-- Names this journal in the databases Muster looks after: each keeps how far it reached. A copy of it has the same name.
create table muster.installation (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid()
);
insert into muster.installation default values;

-- Each time this database turned out to be an older copy: what was missing from the journal, and who had seen it.
create table muster.set_back (
  id bigint generated always as identity primary key,
  lost_seq bigint not null,
  lost_at timestamptz not null,
  -- The newest entry before the one that is missing: so far, at least, the copy goes.
  kept_at timestamptz,
  seen_by text not null,
  -- Entries from here on were written after it was found. One below it that is missing was missing then.
  next_seq bigint not null,
  found_at timestamptz not null default muster.now()
);
