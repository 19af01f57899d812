import {
  changedNothing,
  isConflict,
  readEnough,
  setControls,
  type ClusterEndpoint,
  type Controls,
  type ControlStates,
  type Readings,
} from "../adapters/routing-controls.ts";
import type { DnsName } from "../adapters/route53.ts";
import { step, unknown, type StepContext } from "../engine/step.ts";
import { askNameServers, behindOf, strayFrom, untilForgotten, type Answers, type Expected } from "./name-servers.ts";
import { agreedStates, dissenters, inTurn, misplaced, quorum, silences, statesFor } from "./routing-states.ts";

export type SetRoutingControlsInput = {
  service: string;
  fromRegion: string;
  toRegion: string;
  /** The five of the cluster. */
  endpoints: ClusterEndpoint[];
  /** Of every region of the service: the new one's is switched on, all others off. */
  controls: Controls;
  dns: DnsName;
  /** What the new region's answers are. */
  expected: Expected;
};

export type SetRoutingControlsSeen = {
  /** Of as many endpoints as make a majority, where so many answer. */
  readings: Readings;
  /** Of the name servers; empty where nobody can tell what the right answer is. */
  answers: Answers;
};

/** How long a safety rule lets nobody change its controls after a change, unless it says otherwise, and a moment more. */
const ruleRestSeconds = 6;

/** Sends every DNS answer for a service to one region by routing controls, at any endpoint of their cluster: no control plane is needed. */
export const setRoutingControls = step<SetRoutingControlsInput, SetRoutingControlsSeen>({
  name: "set-routing-controls",
  title: ({ service, toRegion }) =>
    `send all traffic for ${service} to ${toRegion} by switching its routing control on, and all others off`,

  async observe(ctx, input) {
    const { controls, dns, expected } = input;
    const question = { endpoints: endpointsInTurn(ctx, input), controls, enough: quorum };
    const [readings, answers] = await Promise.all([
      readEnough(ctx, ctx.clients.recoveryCluster, question, { signal: ctx.signal }),
      expected.values.length > 0 ? askNameServers(ctx, dns, expected.nameServers) : {},
    ]);
    const silent = silences(readings);
    if (silent.length < Object.keys(readings).length) return { readings, answers };
    return unknown(`no endpoint of the recovery cluster answers: ${silent.join("; ")}`);
  },

  missing({ readings, answers }, { toRegion, controls, expected }) {
    const regions = Object.keys(controls);
    const wrong = misplaced(agreedStates(readings, regions), statesFor(toRegion, regions));
    // Health checks follow the controls some seconds later.
    const [behind] = behindOf(answers, expected.values);
    return wrong ?? (behind && `the name server ${behind}`);
  },

  found({ readings }, { toRegion, controls }) {
    const others = dissenters(readings, statesFor(toRegion, Object.keys(controls)));
    return others.length > 0
      ? `The cluster's endpoint in ${others.join(" and ")} still tells the old states of the routing controls.`
      : undefined;
  },

  apply: (ctx, input) => set(ctx, input, statesFor(input.toRegion, Object.keys(input.controls))),

  hadNoEffect: changedNothing,

  undo: {
    async apply(ctx, input, { seen, before }) {
      const regions = Object.keys(input.controls);
      const states = agreedStates(before.readings, regions);
      if (misplaced(agreedStates(seen.readings, regions), states)) await set(ctx, input, states);
    },
    missing({ readings, answers }, before, { controls }) {
      const regions = Object.keys(controls);
      const wrong = misplaced(agreedStates(readings, regions), agreedStates(before.readings, regions));
      const stray = strayFrom(answers, before.answers);
      return wrong ?? (stray && `the name server ${stray} does not answer as before yet`);
    },
    lingers: untilForgotten,
  },

  patienceSeconds: 180,
  // All five endpoints agree after 15 seconds at most.
  settleSeconds: 15,
  pollSeconds: 5,
});

const endpointsInTurn = (ctx: StepContext, { endpoints, fromRegion }: SetRoutingControlsInput): ClusterEndpoint[] =>
  inTurn(endpoints, { chance: ctx.random(), leaving: fromRegion });

/** Sets the controls; where a rule refuses because somebody changed them just now, once more after its rest. */
async function set(ctx: StepContext, input: SetRoutingControlsInput, states: ControlStates): Promise<void> {
  const attempt = () =>
    setControls(
      ctx,
      ctx.clients.recoveryCluster,
      { endpoints: endpointsInTurn(ctx, input), controls: input.controls, states },
      { signal: ctx.signal },
    );
  try {
    await attempt();
  } catch (error) {
    if (!isConflict(error)) throw error;
    await ctx.clock.sleep(ruleRestSeconds, ctx.signal);
    await attempt();
  }
}
