import { describe, expect, it } from "@jest/globals";
import { capital, clip, inShell, spell } from "../src/spelling.ts";

describe("how a time is said", () => {
  it.each([
    [1, "1 second"],
    [90, "90 seconds"],
    [120, "2 minutes"],
    [930, "15.5 minutes"],
    [7200, "2 hours"],
  ])("%d s", (seconds, words) => expect(spell(seconds)).toBe(words));
});

describe("how a sentence begins", () => {
  it.each([
    ["it is done", "It is done"],
    ["élan", "Élan"],
    ["", ""],
  ])("%j", (text, sentence) => expect(capital(text)).toBe(sentence));
});

describe("how a command is typed into a shell", () => {
  it.each([
    ["Look at it: /muster runs show fo-1.", "Look at it: muster runs show fo-1."],
    [
      "Type /failover <region> or /muster help, or look at /muster runs.",
      "Type muster failover <region> or muster help, or look at muster runs.",
    ],
    ['"/failover" moves it; (/runs, /runs.)', '"muster failover" moves it; (muster runs, muster runs.)'],
    ["/failover us-east-1 checkout moves it back.", "muster failover us-east-1 checkout moves it back."],
    ["muster runs, /var/muster runs, /runs/today, /runs.txt, /etc/failover and /failover-old stay.", ""],
  ])("%j", (text, typed) => expect(inShell(text, ["failover", "runs"])).toBe(typed === "" ? text : typed));
});

describe("a text that is cut", () => {
  it.each([
    ["is short enough", 15, "is short enough"],
    ["ends with a word of it", 8, "ends …"],
    ["ends where a word does", 10, "ends where …"],
    ["redis://:4caba7ff7bb6db@cache", 20, "…"],
    ["says redis://:4caba7ff7bb6db@cache", 20, "says …"],
  ])("%s", (text, most, cut) => expect(clip(text, most)).toBe(cut));
});
