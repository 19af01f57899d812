import { chatMethods } from "./slack-chat.ts";
import { fileMethods } from "./slack-files.ts";
import { lookMethods } from "./slack-look.ts";
import { type Method, Refusal } from "./slack-method.ts";

const viewMethods: Record<string, Method> = {
  "views.open": {
    tier: 4,
    changes: true,
    run({ views }, params) {
      const person = views.takeTrigger(params.need("trigger_id", "invalid_trigger_id"));
      return { view: views.show(person, params.json("view", "invalid_arguments"), { push: false }) };
    },
  },
  "views.push": {
    tier: 4,
    changes: true,
    run({ views }, params) {
      const person = views.takeTrigger(params.need("trigger_id", "invalid_trigger_id"));
      if (views.of(person).length === 0) throw new Refusal("not_found");
      return { view: views.show(person, params.json("view", "invalid_arguments"), { push: true }) };
    },
  },
  "views.update": {
    tier: 4,
    changes: true,
    run({ views }, params) {
      const named = { id: params.text("view_id"), externalId: params.text("external_id"), hash: params.text("hash") };
      return { view: views.replace(named, params.json("view", "invalid_arguments")) };
    },
  },
};

/** Every method of the Web API that the lab knows, by its name. */
export const methods: Readonly<Record<string, Method>> = {
  ...chatMethods,
  ...lookMethods,
  ...viewMethods,
  ...fileMethods,
};
