import { statSync } from "node:fs";

type TestFile = { path: string };

/** What takes longest, the longest first. Jest goes by the size of files where it has not run them before, and knows no better. */
const longest = [
  /sweep\/(un)?graceful/,
  /sweep\/(drivers|pairs|processes)/,
  /stories\/(region|open-house|object-switch|aurora|clouds-fail|database-trouble|old-region-returns|turning-back)/,
  /stories\//,
  /(contracts\/steps|slack\/listening|secrets\/story|install\/rights|outbox\/slack)/,
  /terminal\//,
];

const rankOf = ({ path }: TestFile): number => {
  const rank = longest.findIndex((pattern) => pattern.test(path));
  return rank === -1 ? longest.length : rank;
};

/** Begins with the longest files, so that no worker is left with one of them at the end while the others have nothing to do. */
export default class LongestFirst {
  sort<File extends TestFile>(files: File[]): File[] {
    const weighed = files.map((file) => ({ file, rank: rankOf(file), size: statSync(file.path).size }));
    return weighed.toSorted((one, other) => one.rank - other.rank || other.size - one.size).map(({ file }) => file);
  }

  shard<File extends TestFile>(files: File[]): File[] {
    return files;
  }

  allFailedTests<File extends TestFile>(files: File[]): File[] {
    return files;
  }

  cacheResults(): void {
    // Nothing is remembered: every clone runs in the same order.
  }
}
