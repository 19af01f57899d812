import { AwsRefusal, xmlList, type Xml } from "./aws-wire.ts";
import type { Query, RdsAction } from "./rds-api.ts";

/** One cluster of a global cluster as RDS shows it. */
export type ClusterSeen = {
  id: string;
  arn: string;
  global: string;
  isPrimary: boolean;
  /** Its writer endpoint, and its readers'. */
  host: string;
  readHost: string;
};

/** Where the writer endpoint of a secondary is left out: of what tells of the cluster, or of its list of endpoints, too. */
export type HiddenWriter = "in the cluster" | "everywhere";

/**
 * Makes the actions of RDS that look at one cluster. Some have seen RDS leave out the writer endpoint of a secondary in
 * DescribeDBClusters, while its list of endpoints has it as inactive: `hidden` has such clusters, by their ids.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBClusterEndpoint.html
 * @see https://github.com/hashicorp/terraform-provider-aws/issues/14219
 */
export function clusterActions(
  find: (region: string, id: string) => ClusterSeen | undefined,
  { hidden, untagged }: { hidden: ReadonlyMap<string, HiddenWriter>; untagged: ReadonlySet<string> },
): [string, RdsAction][] {
  const looks = (show: (seen: ClusterSeen, hides: HiddenWriter | undefined) => Xml): RdsAction => ({
    changes: false,
    run: ({ region, words }: Query) => {
      const id = words.get("DBClusterIdentifier") ?? "";
      const seen = find(region, id);
      if (!seen) throw new AwsRefusal("DBClusterNotFoundFault", `DBCluster ${id} not found.`, 404);
      return Promise.resolve(show(seen, seen.isPrimary ? undefined : hidden.get(seen.id)));
    },
  });
  return [
    [
      "DescribeDBClusters",
      looks((seen, hides) => ({ DBClusters: xmlList("DBCluster", [clusterXml(seen, hides !== undefined, untagged)]) })),
    ],
    [
      "DescribeDBClusterEndpoints",
      looks((seen, hides) => ({
        DBClusterEndpoints: xmlList("DBClusterEndpointList", endpointsXml(seen, hides === "everywhere")),
      })),
    ],
  ];
}

/** The tags of a cluster, or of a global cluster. */
export const tagsXml = (id: string, untagged: ReadonlySet<string>): Xml =>
  xmlList("Tag", untagged.has(id) ? [] : [{ Key: "dr-managed", Value: "true" }]);

const clusterXml = (
  { id, arn, global, host, readHost }: ClusterSeen,
  hidesWriter: boolean,
  untagged: ReadonlySet<string>,
): Xml => ({
  DBClusterIdentifier: id,
  DBClusterArn: arn,
  Status: "available",
  Engine: "aurora-postgresql",
  EngineVersion: "15.18",
  Endpoint: hidesWriter ? undefined : host,
  ReaderEndpoint: readHost,
  Port: 5432,
  MultiAZ: true,
  BackupRetentionPeriod: 7,
  GlobalClusterIdentifier: global,
  TagList: tagsXml(id, untagged),
});

const endpointsXml = ({ id, isPrimary, host, readHost }: ClusterSeen, hidesWriter: boolean): Xml[] => [
  { DBClusterIdentifier: id, Endpoint: readHost, Status: "available", EndpointType: "READER" },
  ...(hidesWriter
    ? []
    : [
        {
          DBClusterIdentifier: id,
          Endpoint: host,
          Status: isPrimary ? "available" : "inactive",
          EndpointType: "WRITER",
        },
      ]),
];
