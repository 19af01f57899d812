import type { Slackdom } from "./slack-method.ts";
import type { PressOptions } from "./slack-people.ts";
import type { View } from "./slack-views.ts";
import { isJson, type Json, type Message } from "./slack-workspace.ts";

/** Something a person can act on, where it stands, and what choosing it adds to the action. */
export type Pressable = Holder & { element: Json; chosen: Json };

/** Where things to press stand: in a modal, or in a message. */
export type Holder = { view: View } | { message: Message; ephemeral: boolean };

/** Lists the blocks of a modal or a message. */
function blocksOf(holder: Holder): Json[] {
  return ("view" in holder ? holder.view.blocks : holder.message.blocks) ?? [];
}

/** Finds what a person could press by what is written on it: modals first, then messages, the newest first. */
export function find(slack: Slackdom, person: string, label: string, options: PressOptions): Pressable | undefined {
  for (const holder of visible(slack, person, options)) {
    for (const element of elementsOf(blocksOf(holder))) {
      const chosen = choose(element, label, options.option);
      if (chosen) return { ...holder, element, chosen };
    }
  }
  return undefined;
}

/** Finds one element by where it stands and what it is called inside. */
export function findById(holder: Holder, blockId: string, actionId: string, option?: string): Pressable | undefined {
  const element = elementsOf(blocksOf(holder)).find((one) => one.block_id === blockId && one.action_id === actionId);
  if (!element) return undefined;
  const value = optionsOf(element).find((one) => one.value === option);
  return { ...holder, element, chosen: value ? select(element, value) : {} };
}

/** Lists the places a person sees, the one they would look at first being first. */
function visible(slack: Slackdom, person: string, { messageTs, channel }: PressOptions): Holder[] {
  const { workspace, views } = slack;
  const place = channel && workspace.findChannel(channel)?.id;
  const open = views.of(person).slice(-1);
  const mine = workspace.ephemerals.filter((one) => one.person === person);
  const messages = [
    ...workspace.all().map((message) => ({ message, ephemeral: false })),
    ...mine.map(({ message }) => ({ message, ephemeral: true })),
  ];
  const shown = messages
    .filter(({ message }) => (!messageTs || message.ts === messageTs) && (!place || message.channel === place))
    .filter(
      ({ message }) =>
        !workspace.channels.get(message.channel)?.im || workspace.channels.get(message.channel)?.im === person,
    )
    .toSorted((one, other) => Number(other.message.ts) - Number(one.message.ts));
  return messageTs ? shown : [...open.map((view) => ({ view })), ...shown];
}

/** Lists the elements of blocks that a person can act on, each with the block it stands in. */
function elementsOf(blocks: Json[]): Json[] {
  return blocks.flatMap((block) => {
    const elements = block.type === "actions" ? (block.elements as Json[]) : [block.accessory, block.element];
    return elements
      .filter((one) => isJson(one) && one.action_id)
      .map((one) => ({ ...(one as Json), block_id: block.block_id }));
  });
}

/** Reads what is written on an element or an option. */
export function labelOf(holder: Json): string | undefined {
  const text = isJson(holder.text) ? holder.text : holder.placeholder;
  return isJson(text) && typeof text.text === "string" ? text.text : undefined;
}

/** Lists the options of a select, an overflow menu, radio buttons or checkboxes. */
export function optionsOf(element: Json): Json[] {
  const groups = (element.option_groups as Json[] | undefined) ?? [{ options: element.options }];
  return groups.flatMap((group) => (group.options as Json[] | undefined) ?? []);
}

function choose(element: Json, label: string, option?: string): Json | undefined {
  if (element.type === "button") return labelOf(element) === label ? {} : undefined;
  const wanted = option === undefined ? label : labelOf(element) === label ? option : undefined;
  const found = optionsOf(element).find((one) => labelOf(one) === wanted);
  return found && select(element, found);
}

function select(element: Json, option: Json): Json {
  const many = element.type === "checkboxes" || element.type === "multi_static_select";
  return many ? { selected_options: [option] } : { selected_option: option };
}
