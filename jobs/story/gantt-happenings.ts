import type { JournalEvent } from "../../src/engine/events.ts";

/** Something that people or workers did to a run; milliseconds since 1970. */
export type Happening = { at: number; text: string; tone: "person" | "worker" | "trouble" };

/** Lists what people decided, and what became of the workers, in order. Pure. */
export function happeningsOf(events: readonly JournalEvent[]): Happening[] {
  return events.flatMap((event) => {
    const told = tell(event);
    return told ? [{ at: event.at.getTime(), ...told }] : [];
  });
}

type Told = Omit<Happening, "at">;

const person = (text: string): Told => ({ text, tone: "person" });
const trouble = (text: string): Told => ({ text, tone: "trouble" });

/** What each kind of event says in the chart; those that are not here have no mark of their own. */
const words: { [Kind in JournalEvent["kind"]]?: (event: Extract<JournalEvent, { kind: Kind }>) => Told } = {
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

function tell(event: JournalEvent): Told | undefined {
  const say = words[event.kind] as ((event: JournalEvent) => Told) | undefined;
  return say?.(event);
}
