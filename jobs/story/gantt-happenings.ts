import type { JournalEvent } from "../../src/engine/events.ts";

/** Something that people or workers did to a run; milliseconds since 1970. */
export type Happening = { at: number; text: string; tone: "person" | "worker" | "trouble" };

/** Lists what people decided, and what became of the workers, in order. Pure. */
export function happeningsOf(events: readonly JournalEvent[]): Happening[] {
  return events.flatMap((event) => {
    // Each stands under its own kind.
    const tell = told[event.kind] as ((event: JournalEvent) => Told) | undefined;
    return tell ? [{ at: event.at.getTime(), ...tell(event) }] : [];
  });
}

type Told = Omit<Happening, "at">;

const person = (text: string): Told => ({ text, tone: "person" });
const trouble = (text: string): Told => ({ text, tone: "trouble" });

/** What is told of some events; the others are the steps' own, and their bars'. */
const told: { [Kind in JournalEvent["kind"]]?: (event: Extract<JournalEvent, { kind: Kind }>) => Told } = {
  proposed: ({ by, breakGlass }) => (breakGlass ? trouble(`${by} broke glass`) : person(`${by} asked`)),
  approved: ({ by }) => person(`${by} approved`),
  answered: ({ by }) => person(`${by} said yes`),
  declined: ({ by }) => trouble(`${by} declined`),
  held: ({ by }) => trouble(`${by} held it`),
  resumed: ({ by }) => person(`${by} resumed`),
  continued: ({ by }) => person(`${by} continued`),
  "waive-seconded": ({ by }) => person(`${by} waived`),
  waived: ({ by }) => person(`${by} waived`),
  "turned-back": ({ by }) => trouble(`${by} turned it back`),
  "taken-over": () => ({ text: "worker taken over", tone: "worker" }),
  "taken-up-late": () => ({ text: "taken up late", tone: "worker" }),
};
