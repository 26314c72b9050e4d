// Role: forms of policy commands: one set of verbs over all entities; which policy fits which entity is checked where it is carried out.

extension CommandForms {
  /// Every policy by the name commands use.
  package static let policyNames = [
    "auto_delete", "caching", "callout", "capacity", "data_movement_restriction", "encoding", "extent_tags_retention", "ingestionbatching",
    "ingestiontime", "managed_identity", "merge", "mirroring", "multidatabaseadmins", "partitioning", "query_acceleration",
    "query_weak_consistency", "request_classification", "restricted_view_access", "retention", "row_level_security", "roworder", "sandbox",
    "sharding", "streamingingestion", "update",
  ]

  private static let policy = "policy <policy:\(policyNames.joined(separator: "|"))>"
  private static let entity = "{cluster | database [<database:path>] | table <table:path> | materialized-view <view:path> | external table <external:path> | column <column:path>}"

  static let policies: [CommandForm] = [
    CommandForm(.policyShow, "show \(entity) \(policy) [details] [<properties>]"),
    CommandForm(.policyAlter, "alter {\(entity) | tables <tables:paths>} \(policy) <value:policy>"),
    CommandForm(.policyAlterMerge, "alter-merge {\(entity) | tables <tables:paths>} \(policy) <value:policy>"),
    CommandForm(.policyDelete, "delete {\(entity) | tables <tables:paths>} \(policy)"),
  ]
}
