import { describe } from "@jest/globals";
import { sweepEveryPoint } from "./every-point.ts";

describe("a failover away from a dead region", () => {
  sweepEveryPoint("ungraceful");
});
