/** One look at a service as customers reach it; the moment is ISO. */
export type ProbeRow = { at: string; ok: boolean };

/** An outage as the prober saw it. */
export type Outage = {
  /** The last green probe before it: it began after this. */
  lastGreen: string | null;
  firstRed: string;
  /** The red probe that confirmed the first: one alone may be a hiccup. */
  confirmed: string | null;
};

/**
 * Finds the outage that a failover ended: the one under way when somebody asked for it, else the first after that, else
 * none: nobody saw one. Probes stand in order. Pure.
 */
export function impactOf(
  probes: readonly ProbeRow[],
  declared: string | null,
  held: string | null,
): Outage | undefined {
  if (declared === null) return undefined;
  const before = probes.filter(({ at }) => at <= declared);
  const underWay = before.at(-1)?.ok === false;
  const lastGreenIndex = probes.findLastIndex(({ ok, at }) => ok && at <= declared);
  const firstIndex = underWay
    ? lastGreenIndex + 1
    : probes.findIndex(({ ok, at }) => !ok && at > declared && (held === null || at <= held));
  const first = probes[firstIndex];
  if (!first) return undefined;
  const next = probes[firstIndex + 1];
  return {
    lastGreen: probes.slice(0, firstIndex).findLast(({ ok }) => ok)?.at ?? null,
    firstRed: first.at,
    confirmed: next?.ok === false ? next.at : null,
  };
}

/**
 * Finds the first green probe of the window that then held: after the last red one before the window's end, and not before
 * customers were sent to the new region. Null where the window has not held. Pure.
 */
export function servedOf(probes: readonly ProbeRow[], shifted: string | null, held: string | null): string | null {
  if (shifted === null || held === null) return null;
  const lastRed = probes.findLast(({ ok, at }) => !ok && at <= held)?.at ?? "";
  return probes.find(({ ok, at }) => ok && at > lastRed && at >= shifted && at <= held)?.at ?? null;
}
