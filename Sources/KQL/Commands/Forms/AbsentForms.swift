// Role: how commands begin that Kusto's reference describes and that are not carried out: they are told from mistakes.

extension CommandForms {
  /// In the notation of forms; what follows is not read.
  static let absent: [String] = [
    heads(["create", "create-or-alter", "alter", "drop", "enable", "disable", "show"], "continuous-export"),
    heads(["create", "create-or-alter", "alter", "alter-merge", "drop", "show"], "entity_group"),
    heads(["create", "create-or-alter", "alter", "alter-merge", "drop"], "workload_group"), heads(["add", "alter", "drop", "delete", "show"], "follower database"),
    heads(["enable", "disable"], "plugin"), heads(["show", "cancel"], "queued ingestion"), heads(["show", "cancel"], "purge"),
    heads(["show graph_snapshot <snapshot:path>", "show graph_snapshots <snapshots:path> [. *]"], "statistics"),
    heads(["show graph_snapshot <snapshot:path>", "show graph_snapshots <snapshots:path> [. *]"], "data statistics"),
    heads(["show graph_snapshot <snapshot:path>", "show graph_snapshots <snapshots:path> [. *]"], "failures"),
    [
      "show database [<database>] extents partitioning statistics", "show follower databases", "show data operations", "list blobs", "clear cluster cache", "clear cache", "show database cache", "undo drop", "update table <table> on",
      "update async table <table> on", "purge", "show purges",
    ],
  ].flatMap { $0 }

  private static func heads(_ verbs: [String], _ what: String) -> [String] { verbs.map { $0 + " " + what } }
}
