import type { Check } from "./check.ts";
import { ok, warning, type Finding } from "./finding.ts";

/** What Muster does without, because a setting that need not be there is not there. */
export const settings: Check = {
  name: "the settings",
  look({ config }) {
    const findings: Finding[] = [];
    if (!config.SLACK_BOT_TOKEN) {
      findings.push(
        warning("Slack", {
          happened: "No Slack is configured.",
          means: "Muster is heard and answers in terminals only.",
          todo: "Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN; docs/install.md says how to make the app.",
        }),
      );
    }
    if (!config.MUSTER_KEY) {
      findings.push(
        warning("approving in a terminal", {
          happened: "MUSTER_KEY is not set.",
          means: "Nobody can approve in a terminal; while Slack is down, nothing can be approved at all.",
          todo: "Set MUSTER_KEY to 32 bytes in base64, the same on every machine, then have approvers type muster enrol.",
        }),
      );
    }
    return Promise.resolve([ok("the settings", "complete"), ...findings]);
  },
};
