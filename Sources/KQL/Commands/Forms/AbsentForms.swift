// Role: how commands begin that Kusto's reference describes and that are not carried out: they are told from mistakes.

extension CommandForms {
  /// In the notation of forms; what follows is not read.
  static let absent: [String] =
    ["create", "create-or-alter", "alter", "drop", "enable", "disable", "show"].map { "\($0) continuous-export" }
    + ["create", "create-or-alter", "alter", "alter-merge", "drop", "show"].map { "\($0) entity_group" }
    + ["create", "create-or-alter", "alter", "alter-merge", "drop"].map { "\($0) workload_group" }
    + ["add", "alter", "drop", "delete", "show"].map { "\($0) follower database" }
    + [
      "enable plugin", "disable plugin", "show follower databases", "show data operations", "show queued ingestion", "cancel queued ingestion", "list blobs", "clear cluster cache",
      "clear cache", "show database cache", "undo drop", "update table <table> on", "update async table <table> on", "purge", "show purges", "show purge", "cancel purge",
      "show graph_snapshot <snapshot:path> statistics", "show graph_snapshot <snapshot:path> data statistics", "show graph_snapshot <snapshot:path> failures",
      "show graph_snapshots <snapshots:path> [. *] statistics", "show graph_snapshots <snapshots:path> [. *] data statistics", "show graph_snapshots <snapshots:path> [. *] failures",
    ]
}
