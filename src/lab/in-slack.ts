import { messageOf } from "../errors.ts";
import { persons, west } from "./estate.ts";
import type { Sights } from "./sights.ts";
import type { World } from "./world.ts";

/** What people do in the lab's Slack. */
export type InSlack = {
  /** Types a command in Slack and returns what the person is told, once it was dealt with. */
  says(person: string, text: string, channel?: string): Promise<string>;
  /** Presses a button in Slack, once it is there, and returns what the person is told. */
  presses(person: string, label: string): Promise<string>;
  /** Has ana ask for a move in Slack, and look again where the machine was too busy to see everything at first. */
  asks(text?: string): Promise<void>;
  /** The same, and ben and cleo approve it. Returns the run's id. */
  starts(text?: string): Promise<string>;
};

/** How often somebody types or presses once more who was told that nothing was recorded: a busy machine may be too slow. */
const tries = 3;
/** How often somebody looks, where a look at the world was given up. */
const mostLooks = 6;

/** Opens what people do in Slack, as they do it: what was not recorded in time is typed or pressed again. */
export function openInSlack({ slack, time }: World, sights: Sights): InSlack {
  const idOf = (name: string) => persons.find((person) => person.name === name)?.id ?? name;
  // "Looking ..." is said at once, and is no answer.
  const answersTo = (person: string) =>
    slack.ephemerals(idOf(person)).flatMap(({ text }) => (text === "Looking ..." ? [] : [text]));
  const untilTaken = async (person: string, deed: () => Promise<unknown>): Promise<string> => {
    for (let tried = 1; ; tried += 1) {
      const before = answersTo(person).length;
      await deed();
      await time.until("a reply", () => answersTo(person).length > before, 60);
      const told = answersTo(person).slice(before).join("\n");
      if (tried === tries || !told.includes("nothing was recorded")) return told;
    }
  };
  /** Whether the plan cannot be approved because a look was given up: the machine may have been busy with other things. */
  const sawNothing = async (): Promise<boolean> => {
    const sees = (label: string) => slack.sees(idOf("ana"), label);
    await time.until("a plan", () => sees("Approve") || sees("Look again"), 60);
    const { text, buttons } = await sights.card();
    return buttons.includes("Look again") && text.includes("does not answer");
  };
  const inSlack: InSlack = {
    says: (person, text, channel = "#incident-response") =>
      untilTaken(person, () => slack.types(idOf(person), channel, text)),
    async presses(person, label) {
      const sees = () => slack.sees(idOf(person), label);
      // Before the newest card stands, an older one that was not drawn anew yet may have the same button.
      await sights.card().catch(() => undefined);
      await time.until(`${person} sees "${label}"`, sees, 60).catch(async (error: unknown) => {
        const { text } = await sights.card();
        throw new Error(`${messageOf(error)}; the newest card says:\n${text}`, { cause: error });
      });
      return untilTaken(person, () => slack.presses(idOf(person), label));
    },
    async asks(text = `/failover ${west} checkout`) {
      await inSlack.says("ana", text);
      for (let looks = 1; looks < mostLooks && (await sawNothing()); looks += 1)
        await inSlack.presses("ana", "Look again");
    },
    async starts(text) {
      await inSlack.asks(text);
      for (const person of ["ben", "cleo"]) await inSlack.presses(person, "Approve");
      return sights.newestRun();
    },
  };
  return inSlack;
}
