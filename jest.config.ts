import type { Config } from "jest";

const config: Config = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  testSequencer: "<rootDir>/test/plumbing/longest-first.ts",
  transform: { "\\.ts$": "<rootDir>/test/plumbing/strip-types.ts" },
  // No test imports a package's sources from our tree; crawling node_modules for mocks would only cost time.
  modulePathIgnorePatterns: ["<rootDir>/.muster/"],
  testTimeout: 180_000,
  // Two workers, never in band: one process that evaluates every file's whole module graph grows without end.
  maxWorkers: 2,
  workerIdleMemoryLimit: "700MB",
  collectCoverage: false,
};

export default config;
