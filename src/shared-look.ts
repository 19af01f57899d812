/**
 * Makes a look that many may ask for at once: who asks while one is under way, or within so many milliseconds on the wall
 * after it began and ended well, gets what it found. However many ask, one look is under way.
 */
export function shareLook<Found>(look: () => Promise<Found>, keepMs: number): () => Promise<Found> {
  let last: { found: Promise<Found>; at: number; isOver: boolean } | undefined;
  return () => {
    if (last && (!last.isOver || performance.now() - last.at < keepMs)) return last.found;
    const mine = { found: look(), at: performance.now(), isOver: false };
    last = mine;
    mine.found.then(
      () => (mine.isOver = true),
      () => (last = undefined),
    );
    return mine.found;
  };
}
