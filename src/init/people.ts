import { ownerOf, type Estate } from "../estate.ts";
import type { Draft } from "./draft.ts";
import type { Interview } from "./interview.ts";

/** Asks for people until there are enough who may approve, and whoever types has named all. */
export async function askForPeople(interview: Interview, draft: Draft): Promise<void> {
  const names: string[] = [];
  const approvers: string[] = [];
  interview.say("Two people approve a move, and neither is the one who asked: name three or more.");
  for (;;) {
    const name = await interview.ask({
      asks: "Who is there? A short name of your own, one at a time; an empty line when there are no more.",
      optional: true,
      fault: (text) => (names.includes(text) ? `${text} is there already` : draft.faultOfName(["people", text])),
    });
    if (name === "" && approvers.length >= 2) return;
    if (name === "") interview.say("Fewer than two may approve so far: nothing could ever be moved.");
    else {
      names.push(name);
      await askForPerson(interview, draft, name);
      if (!(await interview.confirms(`May ${name} approve moves?`))) continue;
      draft.put(["approvers", approvers.length], name);
      approvers.push(name);
    }
  }
}

async function askForPerson(interview: Interview, draft: Draft, name: string): Promise<void> {
  draft.put(["people", name], {});
  for (const [key, asks] of [
    ["slack", `The Slack member id of ${name}? Their profile in Slack shows it (U012AB3CD).`],
    ["mail", `The mail address of ${name}?`],
    ["terminal", `The login name of ${name} where muster is typed in a terminal?`],
  ] as const) {
    const fault = (text: string) => {
      const owner = key === "mail" ? undefined : ownerOf(draft.whole["people"] as Estate["people"], key, text);
      return owner === undefined || owner === name ? undefined : `that belongs to ${owner} already`;
    };
    await interview.fill(draft, ["people", name, key], { asks, optional: true, fault });
  }
}
