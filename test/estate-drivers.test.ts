import { describe, expect, it } from "@jest/globals";
import { parseEstate } from "../src/estate-file.ts";
import { labEstate, routingControls } from "../src/lab/estate.ts";
import { clusterRegions } from "../src/lab/recovery-cluster.ts";
import { checkout } from "../src/lab/services.ts";
import { faultsOf } from "./estate-faults.ts";

describe("the estate file", () => {
  describe("with routing controls", () => {
    const endpoints = clusterRegions.map((region) => ({ region, url: `https://${region}.example.com/v1` }));
    const text = labEstate({ replicas: 2, stabilitySeconds: 60, traffic: "arc-routing-control", endpoints });
    const [eastern, western] = Object.values(routingControls);

    it("is read", () => {
      expect(faultsOf(text)).toEqual([]);
      const { traffic } = parseEstate(text, "estate.yaml").services["checkout"] ?? {};
      expect(traffic).toMatchObject({ endpoints, controls: routingControls });
    });

    it.each([
      ["four endpoints", text.replace(/ +- region: ap-southeast-2\n +url: .*\n/, ""), /traffic.endpoints: .*5/],
      [
        "two in one region",
        text.replace("- region: eu-west-1", "- region: us-east-1"),
        /endpoints.2.region: two endpoints are in us-east-1/,
      ],
      [
        "no ARN",
        text.replace(`us-east-1: ${eastern}`, "us-east-1: arn:aws:s3:::x"),
        /controls.us-east-1: expected the ARN of a routing control/,
      ],
      [
        "one control",
        text.replace(` us-east-1: ${eastern}\n`, "\n"),
        /traffic.controls: expected a routing control for each of two regions/,
      ],
      [
        "one control for two regions",
        text.replace(`${western}`, `${eastern}`),
        /controls.us-west-2: two regions have the same routing control/,
      ],
      [
        "a control of a region that is not there",
        text.replace(`us-west-2: ${western}`, `eu-west-1: ${western}`),
        /controls.eu-west-1: "eu-west-1" is not among/,
      ],
    ])("is refused for %s", (_what, changed, expected) => {
      expect(changed).not.toBe(text);
      expect(faultsOf(changed)).toContainEqual(expect.stringMatching(expected));
    });

    it("is refused when two services claim one control", () => {
      const [block = ""] = /^  checkout:\n[\s\S]*?(?=^clusters:)/m.exec(text) ?? [];
      const other = block
        .replace("  checkout:", "  basket:")
        .replaceAll("name: checkout\n", "name: basket\n")
        .replaceAll(/checkout-db|app-config/g, "basket-db");
      const both = text.replace(block, block + other.replace("name: checkout.example", "name: basket.example"));
      expect(faultsOf(both)).toEqual(
        [eastern, western].map((arn) => expect.stringContaining(`the routing control ${arn} belongs to the service`)),
      );
    });
  });

  describe("with a database whose servers no RDS knows", () => {
    const own = labEstate({ replicas: 2, stabilitySeconds: 60, services: [{ ...checkout, driver: "postgres" }] });
    const west = "host: checkout-db-west.shop.lab";

    it("names its servers by their hosts, on Postgres's own port unless it says otherwise", () => {
      const [database] = parseEstate(own, "estate.yaml").services["checkout"]?.databases ?? [];
      expect(database).toMatchObject({
        driver: "postgres",
        replica: { host: "checkout-db-west.shop.lab", port: 5432 },
      });
    });

    it.each([
      [
        "an instance in place of a host",
        own.replace("host: checkout-db-east.shop.lab", "instance: checkout-db"),
        /host: /,
      ],
      ["a URL in place of a host", own.replace(west, "host: postgres://db-west"), /replica.host: expected a host name/],
      ["a port that is none", own.replace(west, `${west}\n          port: 99999`), /replica.port: /],
      ["a replica that is the writer", own.replaceAll("db-east", "db-west"), /host: the replica is the writer itself$/],
      ["another driver's name", own.replace("driver: postgres", "driver: mysql"), /databases.0.driver: /],
    ])("is refused for %s", (_what, text, expected) => {
      expect(text).not.toBe(own);
      expect(faultsOf(text)).toContainEqual(expect.stringMatching(expected));
    });
  });
});
