import { describe, expect, it } from "@jest/globals";
import { globSync } from "node:fs";
import { z } from "zod";
import { readConfig } from "../../src/config.ts";
import { Config } from "../../src/settings.ts";
import { wrongFields } from "../plumbing/kubernetes-types.ts";
import {
  root,
  read,
  manifestsIn,
  chart,
  values,
  estate,
  rendered,
  podOf,
  everything,
  version,
  appVersion,
  type Json,
} from "./chart.ts";

describe("the chart", () => {
  it.each([
    ["as it comes", {}],
    ["with everything set", everything],
  ])("%s makes what Kubernetes knows, field for field", (_how, changes) => {
    const made = [...rendered(changes).values()];
    expect(made.length).toBeGreaterThan(5);
    expect(made.flatMap(wrongFields)).toEqual([]);
  });

  it("runs two servers, spread out, of which one may be away; a deploy waits for the new one", () => {
    const made = rendered();
    expect(made.get("Deployment")).toMatchObject({
      spec: { replicas: 2, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    });
    expect(made.get("PodDisruptionBudget")).toMatchObject({ spec: { maxUnavailable: 1 } });
    const { selector, template } = (made.get("Deployment") as unknown as { spec: { selector: Json; template: Json } })
      .spec;
    expect((template.metadata as Json).labels).toEqual(selector.matchLabels);
    for (const kind of ["PodDisruptionBudget", "Service"]) {
      const { spec } = made.get(kind) as unknown as { spec: { selector: Json } };
      expect(spec.selector.matchLabels ?? spec.selector).toEqual(selector.matchLabels);
    }
    // The tables are made by pods that the service and the budget must not count.
    const { spec } = made.get("Job") as unknown as { spec: { template: { metadata: { labels: Json } } } };
    expect(spec.template.metadata.labels["app.kubernetes.io/name"]).not.toBe("muster");
  });

  it("migrates first, with nothing but the settings and the authorities, which the chart does not make", () => {
    const job = rendered(everything).get("Job");
    expect(job?.metadata.annotations?.["helm.sh/hook"]).toBe("pre-install,pre-upgrade");
    expect(podOf(job).volumes).toEqual([{ name: "authorities", configMap: { name: "authorities" } }]);
    expect(podOf(job).containers).toMatchObject([{ args: ["migrate"], envFrom: [{ secretRef: { name: "muster" } }] }]);
    expect(podOf(rendered().get("Job")).volumes).toBeUndefined();
  });

  it("shows the authorities to the tables' maker where the servers see them: one DATABASE_URL names them for both", () => {
    const seenBy = (kind: string, changes: Json) => {
      const { containers, volumes = [] } = podOf(rendered(changes).get(kind));
      const called = ({ name }: { name: string }) => name === "authorities";
      const { env = [], volumeMounts = [] } = containers[0] ?? {};
      const file = env.find(({ name }) => name === "EXTRA_CA_FILE")?.value;
      return { file, mount: volumeMounts.find(called), volume: volumes.find(called) };
    };
    const only = { extraCaConfigMapName: "authorities" };
    expect(seenBy("Job", only)).toEqual({
      file: "/etc/muster/authorities/ca.pem",
      mount: { name: "authorities", mountPath: "/etc/muster/authorities", readOnly: true },
      volume: { name: "authorities", configMap: { name: "authorities" } },
    });
    for (const changes of [{}, only, everything]) {
      expect(seenBy("Job", changes)).toEqual(seenBy("Deployment", changes));
      expect(wrongFields(rendered(changes).get("Job")!)).toEqual([]);
    }
  });

  it("gives the tables' maker the settings that the servers have, so that none of the Secret is wrong alone", () => {
    const secrets = { DATABASE_URL: "postgres://muster@db/muster", REDIS_PASSWORD: "from the Secret" };
    const settingsOf = (kind: string, changes: Json) =>
      Object.fromEntries(
        podOf(rendered(changes).get(kind)).containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [],
      );
    // The file stands in the pod, and not here.
    const { EXTRA_CA_FILE, ...given } = settingsOf("Job", everything);
    expect(EXTRA_CA_FILE).toBe(settingsOf("Deployment", everything)["EXTRA_CA_FILE"]);
    expect(readConfig({ ...secrets, ...given })).toMatchObject({ REDIS_MASTER: "mymaster" });
    expect(settingsOf("Deployment", everything)).toMatchObject(settingsOf("Job", everything));
    // Without its neighbours it is refused.
    expect(() => readConfig({ ...secrets, ...settingsOf("Job", {}) })).toThrow("REDIS_PASSWORD");
  });

  it.each(["Deployment", "Job"])("runs no %s as root, and lets none write to its disk or gain rights", (kind) => {
    const pod = podOf(rendered().get(kind));
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(pod.securityContext["runAsUser"]).toBeGreaterThan(0);
    expect(pod).toMatchObject({ automountServiceAccountToken: false });
    for (const { securityContext } of pod.containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });

  it.each(["Deployment", "Job"])(
    "pulls the image of the %s by the secrets that are named, and by none else",
    (kind) => {
      expect(podOf(rendered(everything).get(kind)).imagePullSecrets).toEqual([{ name: "registry" }]);
      expect(podOf(rendered().get(kind))).not.toHaveProperty("imagePullSecrets");
    },
  );

  it("mounts each volume that it names, and sets only settings that there are", () => {
    const { containers, volumes = [] } = podOf(rendered(everything).get("Deployment"));
    const volumeMounts = containers[0]?.volumeMounts ?? [];
    const env = containers[0]?.env ?? [];
    expect(volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
    const known = Object.keys(Config.shape);
    expect(env.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
    expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining(["KUBECONFIG", "EXTRA_CA_FILE", "LOG_LEVEL"]));
  });

  it("keeps the estate's text as it is, and restarts the servers when it changes", () => {
    expect(rendered().get("ConfigMap")).toMatchObject({ data: { "estate.yaml": estate } });
    const mark = (text: string) =>
      JSON.stringify((rendered({ estate: text }).get("Deployment") as unknown as { spec: Json }).spec);
    expect(mark("a: 1")).not.toBe(mark("a: 2"));
    expect(() => rendered({ estate: "" })).toThrow("--set-file estate=estate.yaml");
  });

  it("lets in Slack's path and no other, over https, and only when asked to", () => {
    expect(rendered().has("Ingress")).toBe(false);
    const ingress = rendered(everything).get("Ingress") as unknown as {
      spec: { tls: Json[]; rules: { http: Json }[] };
    };
    expect(ingress.spec.tls).toEqual([{ hosts: ["muster.example.com"], secretName: "tls" }]);
    expect(ingress.spec.rules.map(({ http }) => http)).toMatchObject([
      { paths: [{ path: "/slack/events", pathType: "Exact" }] },
    ]);
    expect(() => rendered({ ingress: { enabled: true } })).toThrow("the name that Slack posts to");
  });

  it("checks values by a schema that knows each of them and refuses others", () => {
    const schema = z.fromJSONSchema(JSON.parse(read(`${chart}/values.schema.json`)) as never);
    expect(schema.safeParse(values).error).toBeUndefined();
    expect(schema.safeParse({ ...values, ...everything }).error).toBeUndefined();
    for (const wrong of [
      { replica: 3 },
      { replicas: 0 },
      { settings: { LOG_LEVEL: 1 } },
      { secretName: "" },
      { imagePullSecrets: ["registry"] },
    ]) {
      expect(schema.safeParse({ ...values, ...wrong }).success).toBe(false);
    }
    const { properties } = JSON.parse(read(`${chart}/values.schema.json`)) as { properties: Json };
    expect(Object.keys(values).filter((name) => !(name in properties))).toEqual([]);
  });

  it("has every value that docs/install.md sets, and is given the kubeconfig and the authorities there", () => {
    const set = [...read("docs/install.md").matchAll(/--set(?:-file)? '?(\w+)/g)].map(([, name = ""]) => name);
    expect(set.filter((name) => !(name in values))).toEqual([]);
    expect(set).toEqual(expect.arrayContaining(["estate", "kubeconfigSecretName", "extraCaConfigMapName"]));
  });

  it("is installed by docs/install.md in the namespace, and as the account, that may take the role in AWS", () => {
    const [typed = ""] = /^docker build [^]*?(?=^```)/m.exec(read("docs/install.md")) ?? [];
    const lines = typed.replaceAll("\\\n", "").split("\n");
    const [made, ...later] = lines.filter((line) => /^(?:kubectl|helm) /.test(line));
    const [, namespace = ""] = /^kubectl create namespace (\S+)$/.exec(made ?? "") ?? [];
    expect(later.length).toBeGreaterThan(3);
    expect(later.filter((line) => !line.includes(` -n ${namespace} `))).toEqual([]);
    const [, release = ""] = /^helm install (\S+) /m.exec(typed) ?? [];
    const [, path = "", value = ""] = /--set '(serviceAccount\..+)=(.+)'/.exec(typed) ?? [];
    // Helm goes one name deeper at each point that has no backslash before it.
    const [, deeper, key = "", ...rest] = path.split(/(?<!\\)\./).map((name) => name.replaceAll("\\.", "."));
    expect([deeper, ...rest]).toEqual(["annotations"]);
    const annotations = { [key]: value };
    const account = rendered({ serviceAccount: { create: true, name: "", annotations } }, release).get(
      "ServiceAccount",
    );
    expect(account?.metadata.annotations).toEqual({
      "eks.amazonaws.com/role-arn": expect.stringMatching(/^arn:aws:iam:/),
    });
    expect(read("deploy/iam/trust-irsa.json")).toContain(
      `"system:serviceaccount:${namespace}:${account?.metadata.name}"`,
    );
  });

  it("is of this version of Muster", () => {
    const { version: muster } = JSON.parse(read("package.json")) as { version: string };
    expect({ version, appVersion }).toEqual({ version: muster, appVersion: muster });
  });
});

describe("the manifests for the clusters", () => {
  it.each(globSync("deploy/kubernetes/*.yaml", { cwd: root }))("%s hold what Kubernetes knows", (file) => {
    const manifests = manifestsIn(read(file));
    expect(manifests.length).toBeGreaterThan(1);
    expect(manifests.flatMap(wrongFields)).toEqual([]);
  });

  it("bind each role to the one account there is", () => {
    const all = globSync("deploy/kubernetes/*.yaml", { cwd: root }).flatMap((file) => manifestsIn(read(file)));
    const named = (kind: string) => all.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
    const bindings = all.filter(({ kind }) => kind === "RoleBinding") as unknown as {
      roleRef: Json;
      subjects: Json[];
    }[];
    expect(new Set(bindings.map(({ roleRef }) => roleRef["name"]))).toEqual(new Set(named("Role")));
    for (const { subjects } of bindings) {
      expect(subjects).toEqual([{ kind: "ServiceAccount", name: named("ServiceAccount")[0], namespace: "muster" }]);
    }
  });

  it("would not pass with a field that is not there, or of another type", () => {
    const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", rules: [{ verb: ["get"] }] };
    expect(wrongFields(role)).toEqual(["Role.rules[0].verb: there is no such field"]);
    expect(wrongFields({ ...role, rules: "all" } as never)).toEqual(["Role.rules: a list is expected"]);
  });
});
