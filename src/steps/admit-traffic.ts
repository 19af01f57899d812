import { gate } from "../engine/step.ts";

export type AdmitTrafficInput = { service: string; toRegion: string };

/** Asks a person before customers are sent to the new region, where the estate says so. */
export const admitTraffic = gate<AdmitTrafficInput>({
  name: "admit-traffic",
  title: ({ service, toRegion }) => `ask a person before customers of ${service} are sent to ${toRegion}`,
  question: ({ service, toRegion }) => `All checks of ${service} in ${toRegion} are green. Send customers there?`,
  needed: 1,
});
