import type { Command } from "../src/chat.ts";
import { enrol } from "./enrol.ts";
import { failover } from "./failover.ts";
import { helpFor } from "./help.ts";
import { runs } from "./runs.ts";
import { traffic } from "./traffic.ts";

const deeds: readonly Command[] = [failover, runs, traffic, enrol];

/** Every command there is: Slack's listeners, the terminal's verbs, the help and the contract tests are made from this. */
export const commands: readonly Command[] = [...deeds, helpFor(deeds)];
