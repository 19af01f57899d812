import { sql } from "kysely";
import { acceptedLike } from "./accepted.ts";

/**
 * Whether an event of a journal, joined as `event`, is a person's word that the run is to end without its goal: declined,
 * turned back, abandoned. What counts once the run is over.
 */
export const isStop = sql<boolean>`(event.kind in ('declined', 'turned-back')
  or (event.kind = 'refused' and event.payload ->> 'verb' = 'abandon'
      and event.payload ->> 'because' like ${acceptedLike}))`;
