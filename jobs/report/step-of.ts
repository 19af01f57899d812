import type { RunView, StepView } from "../../src/engine/view.ts";

/** Finds a step by its name in the run of one service; undefined where its plan has none of that name. */
export const stepOf = (view: RunView, name: string): StepView | undefined =>
  [...view.steps.values()].find(({ node }) => node.step === name);
