// Role: every key of the configuration file, declared once: checks, messages and the JSON schema come from here.

package import DataSource

package enum ConfigurationKeys {
  /// `[defaults]` and `[profiles.NAME]`: flags under their names.
  package static let flags: [OptionSpec] = [
    OptionSpec("threads", .integer, "Worker threads of a query; default one per core."),
    OptionSpec("memory-limit", .string, "Memory a query may hold before it spills, such as 2g; default 60 % of the memory."),
    OptionSpec("spill-directory", .path, "Where sorts, joins and aggregations spill; default the system's temporary directory."),
    OptionSpec("format", .oneOf(["table", "csv", "tsv", "json", "ndjson", "markdown", "parquet"]), "How results are printed."),
    OptionSpec("progress", .oneOf(["auto", "bar", "json", "none"]), "Progress on standard error."),
    OptionSpec("store", .path, "The directory of the embedded store."),
    OptionSpec("database", .string, "The database of unqualified names in queries."),
    OptionSpec("cluster", .string, "The Kusto cluster to talk to instead of the embedded store."),
    OptionSpec("credential", .string, "The name of the [credentials.NAME] to use with the cluster."),
  ]

  /// `[sources.NAME]`.
  package static let source: [OptionSpec] = [
    OptionSpec("from", .string, "The locator: csv:PATH, delta:PATH, kusto:DATABASE.TABLE, kafka:BROKERS/TOPIC, …"),
    OptionSpec("schema", .string, "Columns and types instead of discovering them: 'a:long, b:string'."),
    OptionSpec("description", .string, "A remark for people."),
  ]

  /// `[pipelines.NAME]`.
  package static let pipeline: [OptionSpec] = [
    OptionSpec("description", .string, "A remark for people."),
    OptionSpec("directory", .path, "Where relative paths of the steps start; default the directory of this file."),
    OptionSpec("state", .path, "The directory of the lock and of the steps' checkpoints; default .kconnect/NAME."),
    OptionSpec("on-failure", .string, "A command to run when a run fails; KCONNECT_ERROR, KCONNECT_PIPELINE, KCONNECT_STEP and KCONNECT_EXIT_CODE are set."),
    OptionSpec("enabled", .bool, default: "true", "false: the pipeline runs only when it is named."),
  ]

  /// `[[pipelines.NAME.steps]]`.
  package static let step: [OptionSpec] = [
    OptionSpec("name", .string, "The step's name, in messages and as the name of its checkpoint; default step1, step2, …"),
    OptionSpec("from", .string, "What to read: a locator, or the name of one of [sources]."),
    OptionSpec("to", .string, "Where to write: a locator."),
    OptionSpec("stream", .bool, default: "false", "true: new data only, in batches with a checkpoint; false: everything, written as mode says."),
    OptionSpec("trigger", .string, default: "available-now", "Streams: available-now, once, or an interval such as '10 seconds' (the step then ends by timeout or max-batches)."),
    OptionSpec("checkpoint", .path, "Streams: the directory that remembers how far the step is; default STATE/STEP."),
    OptionSpec("max-batches", .integer, "Streams: end after so many batches."),
    OptionSpec("timeout", .duration, "Streams: end after so long; the batch at hand is finished."),
    OptionSpec("mode", .oneOf(["append", "overwrite", "error", "ignore"]), "Other steps: what happens when the target exists; default error, with key append."),
    OptionSpec("key", .string, "Columns that tell rows apart: rows of the target with equal values are replaced. Needs a kusto or delta target."),
    OptionSpec("ttl", .duration, "With key: rows older than this are removed with the next write."),
    OptionSpec("ttl-column", .string, "The datetime column that ttl goes by."),
    OptionSpec("dedup-key", .string, "Streams: of rows with equal values in these columns the first is taken, within each batch or, with dedup-within, across batches."),
    OptionSpec("dedup-within", .duration, "Streams: how long a key of dedup-key is remembered."),
    OptionSpec("event-time", .string, "Streams: the datetime column that dedup-within goes by."),
    OptionSpec("query", .string, "KQL operators applied to the rows: 'where … | summarize …'."),
    OptionSpec("filter", .string, "Rows to take: a KQL predicate over the source's columns."),
    OptionSpec("columns", .string, "Columns of the source to take, separated by commas."),
    OptionSpec("limit", .integer, "Rows of the result at most."),
    OptionSpec("schema", .string, "Columns and types of the source instead of discovering them."),
    OptionSpec("partition-by", .string, "Columns whose values become directories name=value, separated by commas."),
  ]

  /// The tables at the top and what they hold.
  package static let sections: [(name: String, help: String)] = [
    ("defaults", "Flags for every command."),
    ("profiles", "Flags for commands with --profile NAME; they win over defaults."),
    ("options", "Default options of sources and sinks by format: [options.csv]. Secrets as \"env:NAME\" or \"file:PATH\"."),
    ("credentials", "Options of the kusto source that say who asks, by name: [credentials.NAME]."),
    ("tables", "Tables in scope of every query: name = \"LOCATOR\" or the name of one of [sources]."),
    ("sources", "Sources by name: [sources.NAME], with their options in [sources.NAME.options]."),
    ("pipelines", "What kconnect run runs: [pipelines.NAME] with [[pipelines.NAME.steps]]."),
  ]
}
