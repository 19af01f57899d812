import type { SlackClient } from "../adapters/slack-client.ts";
import { getTeam, getUser, whyNoMember, type SlackUser } from "../adapters/slack-directory.ts";
import { saidBySlack, SlackFailed } from "../adapters/slack-trouble.ts";
import type { Estate } from "../estate.ts";
import { forEach } from "./at-once.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** Slack lets an app ask for a hundred people a minute. */
const atOnce = 4;

/** Whether people can be known, reached, and enough of them can approve. */
export const people: Check = {
  name: "the people of the estate",
  async look(ctx) {
    const { slack, estate } = ctx;
    const members = slack ? await lookAtMembers(ctx, slack) : [];
    return [
      ...judgeApprovers(estate, slack !== undefined),
      ...judgeBreakGlass(estate),
      ...withoutMail(estate, ctx.config.SMTP_URL !== undefined),
      ...members,
    ];
  },
};

/** Both lists of those who may approve: `/failover <region>` has one of its own, where the estate gives it one. */
export const judgeApprovers = (estate: Estate, withSlack: boolean): Finding[] =>
  (["approvers", "region_approvers"] as const).flatMap((list) => judgeList(estate, list, withSlack));

/** Of two who may approve, one who asks leaves one: and two are needed. */
function judgeList(estate: Estate, list: "approvers" | "region_approvers", withSlack: boolean): Finding[] {
  const { [list]: named, people: all } = estate;
  if (!named) return [];
  const able = named.filter(
    (name) => all[name]?.terminal !== undefined || (withSlack && all[name]?.slack !== undefined),
  );
  const what = list === "approvers" ? "run" : "move of a whole region";
  const todo = `Name more ${list} in the estate file, each with slack or terminal.`;
  if (able.length < 2) {
    const happened = `${able.length === 0 ? "None" : "Only one"} of the ${named.length} ${list} is known in ${withSlack ? "Slack or " : ""}a terminal.`;
    return [broken(list, { happened, means: `No ${what} can be approved: it takes two.`, todo })];
  }
  if (able.length < 3) {
    const means = "Two must approve, and not the one who asked: what an approver asks for can never be approved.";
    return [warning(list, { happened: `Only ${able.join(" and ")} can approve a ${what}.`, means, todo })];
  }
  return [ok(list, `${able.length} who can approve a ${what}, two at a time`)];
}

/** Whoever breaks a rule that approvals need is one of those who give them: for a region that is a list of its own. */
export function judgeBreakGlass({ breakGlass, region_approvers: named }: Estate): Finding[] {
  const outside = named ? breakGlass.filter((name) => !named.includes(name)) : [];
  if (outside.length === 0) return [];
  return [
    warning("breakGlass", {
      happened: `${outside.join(" and ")} may break glass, and cannot approve the move of a whole region.`,
      means: "Alone and awake they can move one service after another, and no region.",
      todo: `Name ${outside.length === 1 ? "this person" : "them"} among region_approvers too, or know that it is so.`,
    }),
  ];
}

function withoutMail({ people: all }: Estate, withMail: boolean): Finding[] {
  const names = Object.entries(all).flatMap(([name, { mail }]) => (mail === undefined ? [name] : []));
  if (!withMail || names.length === 0) return [];
  return [
    warning("mail addresses", {
      happened: `The estate has no mail address of ${names.join(", ")}.`,
      means: "They get no mail, also when Slack is down.",
      todo: "Give them mail in the estate file.",
    }),
  ];
}

async function lookAtMembers(ctx: DoctorContext, slack: SlackClient): Promise<Finding[]> {
  // A token that Slack does not take is told by the look at it.
  const team = await getTeam(ctx, slack).then(
    (own) => own.team,
    () => undefined,
  );
  const findings = await forEach(Object.entries(ctx.estate.people), atOnce, async ([name, { slack: id }]) => {
    if (id === undefined) return noSlack(name);
    try {
      return judgeMember(name, await getUser(ctx, slack, id), team);
    } catch (error) {
      return judgeFailure(name, id, error);
    }
  });
  const wrong = findings.filter((finding) => finding !== undefined);
  const fine = findings.length - wrong.length;
  return [
    ...(fine > 0 ? [ok("people in Slack", `${fine} of ${findings.length} are members of the workspace`)] : []),
    ...wrong,
  ];
}

const noSlack = (name: string): Finding =>
  warning(`${name} in Slack`, {
    happened: `The estate has no Slack id of ${name}.`,
    means: "In Slack they are a stranger: they can neither ask nor approve there, and are not mentioned.",
    todo: `Give ${name} slack in the estate file (their profile in Slack shows it as "member ID").`,
  });

/** By the rule that Slack's commands go by; `team` is the one of the bot's token, where that is known. */
function judgeMember(name: string, user: SlackUser, team = user.teams[0] ?? ""): Finding | undefined {
  const why = whyNoMember(user, team);
  if (why === undefined) return undefined;
  return broken(`${name} in Slack`, {
    happened: `${user.id} is ${why}.`,
    means: `What ${name} types or presses in Slack is refused.`,
    todo: `Correct slack of ${name} in the estate file, or take ${name} out of it.`,
  });
}

function judgeFailure(name: string, id: string, error: unknown): Finding {
  const unknown = error instanceof SlackFailed && error.message === "user_not_found";
  return broken(`${name} in Slack`, {
    happened: unknown
      ? `Slack knows nobody with the id ${id}.`
      : `Slack did not tell who ${id} is (${saidBySlack(error)}).`,
    means: `What ${name} types or presses in Slack is refused.`,
    todo: unknown
      ? `Correct slack of ${name} in the estate file.`
      : "Put right what is said of Slack above, then type muster doctor again.",
  });
}
