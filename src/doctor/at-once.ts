import { Slots } from "../engine/slots.ts";

/** Does some work for each of many things, so many at once, and returns the results in the things' order. */
export function forEach<Thing, Result>(
  things: readonly Thing[],
  atOnce: number,
  work: (thing: Thing) => Promise<Result>,
): Promise<Result[]> {
  const slots = new Slots(atOnce);
  return Promise.all(
    things.map(async (thing) => {
      const giveBack = await slots.takeFree();
      try {
        return await work(thing);
      } finally {
        giveBack();
      }
    }),
  );
}
