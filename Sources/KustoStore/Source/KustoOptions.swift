// Role: the options of the `kusto` source and sink, under the names the Spark connector gives them.
// Those that concern staging, retries and credentials of clusters are accepted and named as without effect on the embedded store.

package import DataSource
import Engine

package enum KustoOptions {
  private static let noCredentials = "the embedded store asks for no credentials"
  private static let noStaging = "reads of the embedded store need no staging"
  private static let oneCommit = "a write to the embedded store is one commit"

  /// All options, as they hold on the embedded store.
  package static let specs: [OptionSpec] = place + reading + writing + UpsertRule.specs + credentials.map {
    OptionSpec($0, .string, isSecret: true, support: .noEffect(noCredentials), "Credential of a cluster.")
  }

  static let place: [OptionSpec] = [
    OptionSpec("kustoCluster", .string, support: .notSupported("remote clusters; without this option the embedded store is used"), "Address of a cluster."),
    OptionSpec("kustoDatabase", .string, "The database; the path may name it as well: DATABASE.TABLE."),
    OptionSpec("kustoTable", .string, "The table; the path may name it as well."),
    OptionSpec("kustoStore", .path, "Directory of the embedded store; else $KCONNECT_STORE, else ./kustodata."),
    OptionSpec("clientRequestPropertiesJson", .string, "JSON: {\"Options\": {…}, \"Parameters\": {…}} of the request."),
    OptionSpec("requestId", .string, "The id of the request: .show queries lists it."),
    OptionSpec("timeoutLimit", .integer, default: "172800", support: .noEffect("the embedded store works while the call waits"), "Seconds to wait for a cluster."),
    OptionSpec("kustoIngestionUri", .string, support: .noEffect("there is no ingestion endpoint"), "Address of a cluster's ingestion endpoint."),
  ]

  private static let reading: [OptionSpec] = [
    OptionSpec("kustoQuery", .string, use: .read, "KQL text to read instead of a table; operators behind it are optimised with it."),
    OptionSpec("customSchema", .string, use: .read, "Columns and types to read, as 'a INT, b STRING'; values are converted."),
    OptionSpec("queryFilterPushDown", .bool, default: "true", use: .read, "Whether filters reach the extents."),
    OptionSpec("readMode", .oneOf(["ForceSingleMode", "ForceDistributedMode"]), use: .read, support: .noEffect(noStaging), "How results of a cluster travel."),
    OptionSpec("distributedReadModeTransientCache", .bool, default: "false", use: .read, support: .noEffect(noStaging), "Reuses exported files."),
    OptionSpec("transientStorage", .string, use: .read, isSecret: true, support: .noEffect(noStaging), "Storage for exports."),
    OptionSpec("blobStorageEndpointSuffix", .string, use: .read, support: .noEffect(noStaging), "Domain of the storage."),
    OptionSpec("kustoExportOptionsJson", .string, use: .read, support: .noEffect(noStaging), "Options of exports."),
    OptionSpec("storageProtocol", .oneOf(["wasbs", "abfs", "abfss"]), use: .read, support: .noEffect(noStaging), "Protocol of the storage."),
  ]

  private static let writing: [OptionSpec] = [
    OptionSpec(
      "tableCreateOptions", .oneOf(["FailIfNotExist", "CreateIfNotExist"]), default: "FailIfNotExist", use: .write,
      "Whether an append makes a table that is missing. Other save modes make it unless FailIfNotExist is given."),
    OptionSpec("writeMode", .oneOf(["Transactional", "Queued", "KustoStreaming"]), default: "Transactional", use: .write, "Queued writes are done when the call returns."),
    OptionSpec(
      "adjustSchema", .oneOf(["NoAdjustment", "FailIfNotMatch", "GenerateDynamicCsvMapping"]), default: "NoAdjustment", use: .write,
      "How columns meet those of the table: by position, by position with equal names, by name."),
    OptionSpec("mergeSchema", .bool, default: "false", use: .write, "Adds columns that the table lacks; columns are then matched by name."),
    OptionSpec("sparkIngestionPropertiesJson", .string, use: .write, "JSON: dropByTags, ingestByTags, additionalTags, ingestIfNotExists, creationTime, csvMapping."),
    OptionSpec("txnAppId", .string, use: .write, "With txnVersion: a write of this application that was done already is skipped."),
    OptionSpec("txnVersion", .integer, use: .write, "The number of the write within txnAppId; ascends."),
    OptionSpec("writeEnableAsync", .bool, default: "false", use: .write, "The call returns when the write has begun; a handle tells its end."),
    OptionSpec("pollingOnDriver", .bool, default: "false", use: .write, support: .noEffect(oneCommit), "Where the state of a write is asked for."),
    OptionSpec("clientBatchingLimit", .integer, default: "300", use: .write, support: .noEffect(oneCommit), "Megabytes of a staged file."),
    OptionSpec("stagingResourcesAutoCleanupTimeout", .integer, default: "604800", use: .write, support: .noEffect(oneCommit), "Seconds that staging tables live."),
    OptionSpec("tempTableName", .string, use: .write, support: .noEffect(oneCommit), "A staging table."),
    OptionSpec("writeResultLimit", .string, default: "1", use: .write, support: .noEffect("writes answer with a report"), "Rows a write shows."),
    OptionSpec("streamingIngestSizeInMB", .integer, default: "4", use: .write, support: .noEffect(oneCommit), "Megabytes of a streamed chunk."),
    OptionSpec("kustoIngestionStorageContainer", .string, use: .write, isSecret: true, support: .noEffect(oneCommit), "Storage for staged files."),
    OptionSpec("timeZone", .string, default: "UTC", use: .write, support: .noEffect("datetimes are written as they are, in UTC"), "Zone of datetimes in staged files."),
    OptionSpec("maximalExtentsCountForSplitMergePerNode", .integer, default: "400", use: .write, support: .noEffect(oneCommit), "Extents moved at a time."),
    OptionSpec("maxRetriesOnMoveExtents", .integer, default: "10", use: .write, support: .noEffect(oneCommit), "Retries of moves."),
    OptionSpec("disableFlushImmediately", .bool, default: "false", use: .write, support: .noEffect(oneCommit), "Leaves batching to the cluster."),
    OptionSpec("ensureNoDuplicatedBlobs", .bool, default: "false", use: .write, support: .noEffect(oneCommit), "Tags staged files."),
    OptionSpec(
      "addSourceLocationTransform", .bool, default: "false", use: .write, support: .notSupported("rows of the embedded store have no staged file to name"),
      "A column with the name of the staged file."),
  ]

  private static let credentials = [
    "kustoAadAppId", "kustoAadAppSecret", "kustoAadAuthorityID", "kutoAadAppCertPath", "kustoAadAppCertPath", "kustoAadAppCertPassword", "accessToken",
    "userPrompt", "tokenProviderCallbackClasspath", "managedIdentityAuth", "managedIdentityClientId", "deviceAuth", "keyVaultUri", "keyVaultAppId",
    "keyVaultAppKey",
  ]
}
