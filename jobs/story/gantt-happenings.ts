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

function tell(event: JournalEvent): Told | undefined {
  switch (event.kind) {
    case "proposed":
      return event.breakGlass ? trouble(`${event.by} broke glass`) : person(`${event.by} asked`);
    case "approved":
      return person(`${event.by} approved`);
    case "answered":
      return person(`${event.by} said yes`);
    case "declined":
      return trouble(`${event.by} declined`);
    case "held":
      return trouble(`${event.by} held it`);
    case "resumed":
      return person(`${event.by} resumed`);
    case "continued":
      return person(`${event.by} continued`);
    case "waive-seconded":
    case "waived":
      return person(`${event.by} waived`);
    case "turned-back":
      return trouble(`${event.by} turned it back`);
    case "taken-over":
      return { text: "worker taken over", tone: "worker" };
    case "taken-up-late":
      return { text: "taken up late", tone: "worker" };
    default:
      return undefined;
  }
}
