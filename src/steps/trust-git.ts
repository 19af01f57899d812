import { gate, type Json, type Reads } from "../engine/step.ts";
import { spellAll, type GitOpsTarget } from "./gitops.ts";

export type TrustGitInput = {
  service: string;
  /** What is different now from before, each as a claim: "DB_HOST of shop/app-config is ...". */
  now: string[];
};

/** Asks a person whether Git says what is so by now, because what it says comes back as soon as it is resumed. */
export const trustGit = gate<TrustGitInput>({
  name: "trust-git",
  title: ({ service }) => `ask a person whether Git says of ${service} what is so by now`,

  question({ service, now }, reads) {
    const held = heldBy(reads);
    if (held.length === 0) return undefined;
    return `What Git says of ${service} comes back once ${spellAll(held)} ${held.length === 1 ? "is" : "are"} resumed. Does it say that ${now.join(", and that ")}?`;
  },

  needed: 1,
});

/** What this run paused, by the results of its steps. */
function heldBy(reads: Reads): GitOpsTarget[] {
  return Object.values(reads).flatMap((result) => {
    const objects = isObject(result) ? result["objects"] : undefined;
    if (!Array.isArray(objects)) return [];
    return objects.filter((object) => isObject(object) && object["ours"] === true) as GitOpsTarget[];
  });
}

const isObject = (value: Json | undefined): value is { [key: string]: Json | undefined } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
