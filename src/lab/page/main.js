import { say } from "./dom.js";
import { showWorld } from "./regions.js";
import { showWorkspace } from "./workspace.js";

const events = new EventSource("/events");
const shows = { workspace: showWorkspace, world: showWorld };
const waiting = new Map();
let pressed = false;

for (const [name, show] of Object.entries(shows)) {
  events.addEventListener(name, ({ data }) => {
    // A button that is redrawn between press and release never hears of its click.
    if (pressed) waiting.set(name, data);
    else show(JSON.parse(data));
  });
}
addEventListener("pointerdown", () => (pressed = true));
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => {
    pressed = false;
    setTimeout(() => {
      for (const [name, data] of waiting) shows[name](JSON.parse(data));
      waiting.clear();
    });
  });
}
events.addEventListener("trouble", ({ data }) => say(JSON.parse(data)));
events.addEventListener("error", () => say("The lab does not answer. This page follows it again as soon as it does."));
