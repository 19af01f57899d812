import { z } from "zod";
import { use } from "../src/engine/plan.ts";
import { capital } from "../src/spelling.ts";
import { fenceReturned, type FenceReturnedInput } from "../src/steps/fence-returned.ts";
import { job } from "./job.ts";

/** What the parent's plan and journal say of the old side; it was approved with that plan. */
export type RefenceInput = FenceReturnedInput & { parent: string };

const title = ({ service, from }: RefenceInput): string => `fence ${from.instance} of ${service}, which answers again`;

/** Locks the old database and not the service, so that it runs beside the failover that left it open. */
const locks = ({ from }: RefenceInput): string[] => [`db:${from.instance}`];

/** Fences an old writer that could not be fenced when the service left it, as soon as it answers. */
export const refence = job<RefenceInput, Record<string, never>>({
  name: "refence",
  input: z.custom<RefenceInput>((value) => typeof value === "object" && value !== null && "parent" in value),
  title,
  locks,
  approvers: (estate) => estate.approvers,
  // All it does was approved before; there is nothing to look at that would make anybody decide otherwise.
  look: () => Promise.resolve({}),

  plan(estate, input) {
    const { parent: _, ...target } = input;
    return {
      job: "refence",
      title: title(input),
      input,
      nodes: [use(fenceReturned, input.service, target)],
      locks: locks(input),
      claims: [],
      approvers: estate.approvers,
      needed: 0,
      stopping: `Muster leaves ${input.from.instance} as it is, open for writes unless it was fenced before, and will not fence it again`,
      blockers: [],
      warnings: [],
    };
  },

  broken: () => [],

  preview: ({ title: headline, warnings, blockers }) => ({
    headline: `${capital(headline)}.`,
    mode: "",
    rows: [{ label: "Approved", value: "with the plan of the failover that left it" }],
    diffs: [],
    warnings,
    blockers,
  }),
});
