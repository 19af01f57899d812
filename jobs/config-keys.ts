import type { ConfigKey } from "../src/estate.ts";

/** Names a key of a config map for people: "DB_HOST of shop/app-config". */
export const keyName = ({ namespace, name, key }: Pick<ConfigKey, "namespace" | "name" | "key">): string =>
  `${key} of ${namespace}/${name}`;

/** Writes what a key holds for people. */
export const spellValue = (value: string | null): string => (value === null ? "not set" : `"${value}"`);
