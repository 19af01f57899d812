import { actionElements, checkElement, checkText, Complaints, inputElements } from "./slack-elements.ts";
import { isJson, type Json } from "./slack-workspace.ts";

/** All blocks of a message together; Slack says msg_blocks_too_long somewhere near this many characters. */
export const mostBlockCharacters = 13_200;

export type Surface = "message" | "modal";

type Check = (found: Complaints, block: Json, pointer: string, surface: Surface) => void;

const taskStates = ["pending", "in_progress", "complete", "error"];

const checkTask: Check = (found, task, pointer) => {
  found.string(task.task_id, `${pointer}/task_id`, { to: 255 });
  found.string(task.title, `${pointer}/title`, { to: 3000 });
  if (!taskStates.includes(String(task.status))) found.add("must be a valid enum value", `${pointer}/status`);
  for (const field of ["details", "output"]) {
    const value = task[field];
    if (value !== undefined && !(isJson(value) && value.type === "rich_text")) {
      found.add("must provide a rich_text object", `${pointer}/${field}`);
    }
  }
};

/** What each kind of block must hold. A kind that is not here is refused, as Slack does. */
const checks: Record<string, Check> = {
  divider: () => undefined,
  image: (found, block, at) => found.string(block.alt_text, `${at}/alt_text`, { to: 2000 }),
  header: (found, block, at) => checkText(found, block.text, `${at}/text`, 150, true),
  markdown: (found, block, at) => found.string(block.text, `${at}/text`, { to: 12_000 }),
  rich_text: (found, block, at) => void found.items(block.elements, `${at}/elements`, { from: 0, to: 1000 }),
  section: (found, block, at) => {
    if (block.text !== undefined) checkText(found, block.text, `${at}/text`, 3000);
    else if (block.fields === undefined) found.add("missing required field: text", at);
    if (block.fields !== undefined) {
      found.items(block.fields, `${at}/fields`, { to: 10 }).forEach((field, index) => {
        checkText(found, field, `${at}/fields/${index}`, 2000);
      });
    }
    if (block.accessory === undefined) return;
    if (!isJson(block.accessory)) return found.add("must provide an object", `${at}/accessory`);
    if (block.accessory.type === "image") return;
    checkElement(found, block.accessory, `${at}/accessory`, actionElements);
  },
  context: (found, block, at) => {
    found.items(block.elements, `${at}/elements`, { to: 10 }).forEach((element, index) => {
      if (element.type !== "image") checkText(found, element, `${at}/elements/${index}`, 3000);
    });
  },
  actions: (found, block, at) => {
    const elements = found.items(block.elements, `${at}/elements`, { to: 25 });
    elements.forEach((element, index) => checkElement(found, element, `${at}/elements/${index}`, actionElements));
    refuseRepeats(found, elements, "action_id", `${at}/elements`);
  },
  input: (found, block, at) => {
    checkText(found, block.label, `${at}/label`, 2000, true);
    if (block.hint !== undefined) checkText(found, block.hint, `${at}/hint`, 2000, true);
    if (!isJson(block.element)) return found.add("missing required field: element", at);
    checkElement(found, block.element, `${at}/element`, inputElements);
  },
  alert: (found, block, at, surface) => {
    if (surface !== "modal") return found.add("unsupported type: alert", `${at}/type`);
    checkText(found, block.text, `${at}/text`, 3000);
  },
  table: (found, block, at) => {
    if (!Array.isArray(block.rows)) return found.add("missing required field: rows", at);
    if (block.rows.length > 100) found.add("no more than 100 items allowed", `${at}/rows`);
    block.rows.forEach((row, index) => {
      if (!Array.isArray(row) || row.length > 20) found.add("no more than 20 items allowed", `${at}/rows/${index}`);
    });
  },
  task_card: checkTask,
  plan: (found, block, at, surface) => {
    found.string(block.title, `${at}/title`, { to: 3000 });
    found.items(block.tasks ?? [], `${at}/tasks`, { from: 0, to: 50 }).forEach((task, index) => {
      checkTask(found, task, `${at}/tasks/${index}`, surface);
    });
  },
};

/** Says what Slack would refuse in a list of blocks, in Slack's own words; nothing when it would take them. */
export function blockComplaints(blocks: unknown, surface: Surface, refusesPlans = false): string[] {
  const found = new Complaints();
  const listed = found.items(blocks, surface === "modal" ? "/view/blocks" : "/blocks", {
    from: 0,
    to: surface === "modal" ? 100 : 50,
  });
  listed.forEach((block, index) => {
    const pointer = `${surface === "modal" ? "/view" : ""}/blocks/${index}`;
    const type = String(block.type);
    const check = Object.hasOwn(checks, type) ? checks[type] : undefined;
    const unknown = !check || (refusesPlans && (type === "plan" || type === "task_card"));
    if (unknown) return found.add(`unsupported type: ${type}`, `${pointer}/type`);
    found.optional(block.block_id, `${pointer}/block_id`, 255);
    check(found, block, pointer, surface);
  });
  refuseRepeats(found, listed, "block_id", "/blocks");
  const types = listed.map((block) => block.type);
  if (types.includes("plan") && types.includes("task_card")) {
    found.add("plan and task_card exclude each other", "/blocks");
  }
  if (types.filter((type) => type === "table").length > 1) found.add("only one table per message allowed", "/blocks");
  return found.list;
}

function refuseRepeats(found: Complaints, items: Json[], field: string, pointer: string): void {
  const ids = items.flatMap((item) => (typeof item[field] === "string" ? [item[field]] : []));
  for (const id of new Set(ids)) {
    if (ids.filter((other) => other === id).length > 1) found.add(`\`${field}\` ${id} already exists`, pointer);
  }
}
