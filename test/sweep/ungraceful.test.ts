import { describe } from "@jest/globals";
import { sweepEveryPoint } from "./every-point.ts";

describe("a failover away from a dead region", () => {
  // Pods are awaited by a step of their own where names move beside the promotion.
  sweepEveryPoint("ungraceful", { steps: ["await-pods"] });
});
