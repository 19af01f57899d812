import { describe, expect, it } from "@jest/globals";
import { sweepSeed } from "./chance.ts";
import { playSoundly } from "./sweep.ts";

const patienceMs = 900_000;

/** Each change of the steps that only such a service has, once on the way to its effect, and once on the way back from it. */
const points = [
  "pause-gitops changes: after kubernetes.PatchKustomization #1",
  "scale-deployment changes: before kubernetes.PatchAutoscaler #1",
  "restart-pods changes: after kubernetes.PatchDeployment #1",
  "resume-gitops changes: before kubernetes.PatchKustomization #1",
];

/** The sweeps of the whole failover have no service that an autoscaler and Flux have in their hands, too. */
describe("a failover of a service that an autoscaler and Flux keep, and whose pods are restarted by a rollout", () => {
  it(
    "is sound with a worker abandoned at each of its changes, 30 % of the calls failing, and the old region dead",
    async () => {
      const fate = { mode: "ungraceful", seed: sweepSeed, trouble: true, kept: true } as const;
      const { crashes } = await playSoundly(fate, (id) => points.includes(id));
      expect(crashes.map(({ at }) => at)).toEqual(points);
    },
    patienceMs,
  );
});
