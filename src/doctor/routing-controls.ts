import { readControls, type ClusterEndpoint } from "../adapters/routing-controls.ts";
import type { Traffic } from "../estate.ts";
import { explainAs } from "../facts/explain.ts";
import { quorum } from "../steps/routing-states.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

type Routing = Extract<Traffic, { driver: "arc-routing-control" }>;

/** Whether enough endpoints of each recovery cluster tell the routing controls of the services. */
export const routingControls: Check = {
  name: "the routing controls",
  look: (ctx) =>
    Promise.all(
      Object.entries(ctx.estate.services).flatMap(([name, { traffic }]) =>
        traffic.driver === "arc-routing-control" ? [lookAtControls(ctx, name, traffic)] : [],
      ),
    ),
};

async function lookAtControls(ctx: DoctorContext, service: string, { endpoints, controls }: Routing): Promise<Finding> {
  const subject = `the routing controls of ${service}`;
  const silent = (await Promise.all(endpoints.map((endpoint) => whyNot(ctx, endpoint, controls)))).flat();
  const answering = endpoints.length - silent.length;
  if (silent.length === 0) return ok(subject, "all five endpoints of the cluster tell them");
  const happened = `${answering} of ${endpoints.length} endpoints of the recovery cluster tell them: ${silent.join("; ")}.`;
  const todo =
    "Correct traffic.endpoints and traffic.controls, or give Muster's role the rights of deploy/iam/routing-controls.json.";
  return answering < quorum
    ? broken(subject, { happened, means: `Nobody can be sent to another region for ${service}.`, todo })
    : warning(subject, {
        happened,
        means: `Customers of ${service} can be moved as long as ${quorum} endpoints are there.`,
        todo,
      });
}

async function whyNot(ctx: DoctorContext, endpoint: ClusterEndpoint, controls: Routing["controls"]): Promise<string[]> {
  try {
    await readControls(ctx, ctx.clients.recoveryCluster(endpoint), { endpoint, controls });
    return [];
  } catch (error) {
    return [explainAs(`the endpoint in ${endpoint.region}`)(error)];
  }
}
