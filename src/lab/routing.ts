import { arcArn, east, record, routingControls, west } from "./estate.ts";
import type { RoutingControl, SafetyRule } from "./recovery-rules.ts";

/** The control panel of checkout's routing controls, as they are at first: everybody is in the east. */
export const controlPanel = (): { panel: string; controls: RoutingControl[]; rules: SafetyRule[] } => ({
  panel: record,
  controls: ([east, west] as const).map((region) => ({
    arn: routingControls[region],
    name: region,
    on: region === east,
  })),
  rules: [oneIsOn()],
});

/** The safety rule that such a service has: one of its controls is On, whatever is changed. */
const oneIsOn = (): SafetyRule => ({
  kind: "assertion",
  arn: arcArn("safetyrule", "0e150a0e150a0e15"),
  name: "one-is-on",
  controls: Object.values(routingControls),
  atLeast: 1,
  waitSeconds: 5,
});
