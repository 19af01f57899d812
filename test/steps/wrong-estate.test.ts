import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { CannotContinue } from "../../src/errors.ts";
import { pointConfig } from "../../src/steps/point-config.ts";
import { scaleDeployment } from "../../src/steps/scale-deployment.ts";
import { failure, openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

const misnamed = <Named extends { name: string }>(all: readonly Named[]): Named[] =>
  all.map((one) => ({ ...one, name: "no-such" }));

describe("a step that runs beside a promotion, of an estate with a wrong name", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  const looks: [string, () => Promise<unknown>][] = [
    [
      "a config map",
      () =>
        pointConfig.observe(bench.ctx, { ...inputs.pointConfig, configs: misnamed(inputs.pointConfig.configs) }, {}),
    ],
    [
      "a deployment",
      () =>
        scaleDeployment.observe(
          bench.ctx,
          { ...inputs.scaleDeployment, deployments: misnamed(inputs.scaleDeployment.deployments) },
          {},
        ),
    ],
  ];

  it.each(looks)("says of %s how the run ends, whether or not Undo is refused by then", async (_what, look) => {
    const error = await failure(look());
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation.todo).toBe(
      "Create it, then press Continue. If its name in the estate is wrong: press Undo, or Abandon once a promotion was asked for, then correct it and type the command anew.",
    );
  });
});
