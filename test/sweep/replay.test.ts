import { expect, it } from "@jest/globals";
import { z } from "zod";
import { playSoundly } from "./sweep.ts";

/** As a failed play prints it. */
const Replay = z.object({
  mode: z.enum(["graceful", "ungraceful"]),
  seed: z.number(),
  trouble: z.boolean(),
  traffic: z.enum(["route53-weighted", "route53-failover", "route53-switch", "arc-routing-control"]).optional(),
  database: z.enum(["rds-postgres", "postgres", "aurora-postgres"]).optional(),
  kept: z.boolean().optional(),
  at: z.array(z.string()),
});

/** Without anything to see again: between the calls that matter most and their notes in the journal. */
const worst = {
  mode: "graceful",
  seed: 1,
  trouble: false,
  at: [
    "fence-writes changes: after postgres.FenceRole #1",
    "promote-replica changes: after rds.PromoteReadReplica #1",
    "shift-dns changes: after route53.ChangeResourceRecordSets #1",
    "after db.journal ended #1",
  ],
};

it("a play is seen again from its seed and its crash points", async () => {
  const { at, traffic, database, kept, ...rest } = Replay.parse(
    JSON.parse(process.env["SWEEP_REPLAY"] ?? JSON.stringify(worst)),
  );
  const wanted = new Set(at);
  const fate = {
    ...rest,
    ...(traffic ? { traffic } : {}),
    ...(database ? { database } : {}),
    ...(kept ? { kept } : {}),
  };
  const { crashes } = await playSoundly(fate, (id) => wanted.has(id));
  expect(crashes.map((crash) => crash.at).toSorted()).toEqual(at.toSorted());
}, 600_000);
