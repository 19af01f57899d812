import { setTimeout } from "node:timers/promises";
import type { PgOptions } from "../adapters/postgres.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { sidesOf } from "../facts/databases/index.ts";
import { onSide } from "./on-side.ts";
import { hearWitness } from "./witness.ts";

/** Each witness keeps the newest entry of the whole journal: some that answer are enough. */
const mostServices = 8;

/** Wall milliseconds for which a process waits for them before it drives its first run. */
const patienceMs = 2_000;

/**
 * Asks users' databases how far the journal reached, before a process that has seen nothing itself drives its first run: it
 * may have started on an older copy. Waits no longer than two seconds for those that do not answer; never throws.
 */
export async function hearFirst(ctx: Context): Promise<void> {
  const over = AbortSignal.timeout(patienceMs);
  const services = Object.values(ctx.estate.services).filter(({ databases }) => databases.length > 0);
  const chosen = services
    .map((service) => ({ service, draw: ctx.random() }))
    .toSorted((one, other) => one.draw - other.draw)
    .slice(0, mostServices);
  const asked = chosen.flatMap(({ service }) =>
    service.databases.slice(0, 1).map((one) => hearBoth(ctx, sidesOf(one), over)),
  );
  await Promise.race([Promise.all(asked), setTimeout(patienceMs, undefined, { ref: false })]);
}

async function hearBoth(ctx: Context, sides: ReturnType<typeof sidesOf>, signal: AbortSignal): Promise<void> {
  const how: PgOptions = { signal };
  await Promise.all(
    sides.map((side) =>
      onSide(ctx, side, { sides, writer: side }, "HearWitness", how, (sql) =>
        hearWitness(ctx, sql, side.instance),
      ).catch((error: unknown) =>
        ctx.log.debug({ instance: side.instance, error: messageOf(error) }, "a witness was not heard"),
      ),
    ),
  );
}
