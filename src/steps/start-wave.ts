import { step } from "../engine/step.ts";
import { whereServicesAre, type Whereabouts } from "./own-journal.ts";

export type StartWaveInput = {
  /** Counts from 1; the first wave waits for nobody. */
  wave: number;
  /** The services of the wave before. */
  before: string[];
};

export type StartWaveSeen = { services: Record<string, Whereabouts> };

/** Lets the next wave begin once every service of the one before has its customers back, or waits for a person. */
export const startWave = step<StartWaveInput, StartWaveSeen>({
  name: "start-wave",
  title: ({ wave, before }) =>
    `start wave ${wave} once the ${before.length} services of wave ${wave - 1} are out of its way`,

  observe: async (ctx, { before }) => ({ services: await whereServicesAre(ctx, before) }),

  missing({ services }, { wave, before }) {
    const moving = before.filter((name) => services[name] === "moving");
    if (moving.length === 0) return undefined;
    const named = moving.slice(0, 5).join(", ");
    const more = moving.length > 5 ? ` and ${moving.length - 5} more` : "";
    return `${moving.length} of ${before.length} services of wave ${wave - 1} are on their way: ${named}${more}`;
  },

  found({ services }, { wave, before }) {
    const stuck = before.filter((name) => services[name] === "stuck");
    if (stuck.length === 0) return undefined;
    return `Wave ${wave} does not wait for ${stuck.join(", ")}, which ${stuck.length === 1 ? "waits" : "wait"} for a person.`;
  },

  onlyTime: () => true,

  undo: { nothing: "it only waits" },

  patienceSeconds: 3600,
  settleSeconds: 0,
  pollSeconds: 3,
});
