-- A button below a parked step speaks to that time it was parked, and to no later one.
alter table muster.button add column park integer;
