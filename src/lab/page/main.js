import { say } from "./dom.js";
import { showWorld } from "./regions.js";
import { showWorkspace } from "./workspace.js";

const events = new EventSource("/events");
events.addEventListener("workspace", ({ data }) => showWorkspace(JSON.parse(data)));
events.addEventListener("world", ({ data }) => showWorld(JSON.parse(data)));
events.addEventListener("trouble", ({ data }) => say(JSON.parse(data)));
events.addEventListener("error", () => say("The lab does not answer. This page follows it again as soon as it does."));
