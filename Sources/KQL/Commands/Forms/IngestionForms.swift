// Role: forms of commands that bring data in and out: mappings, ingestion, extents, export.

extension CommandForms {
  static let mappings: [CommandForm] = ["table", "database"].flatMap { level in
    let entity = level == "table" ? "table <table> ingestion" : "database [<database>] ingestion"
    return [
      CommandForm(.mappingCreate, "create \(entity) <kind:\(mappingKinds)> mapping <name:label> <mapping:string> [<properties>]"),
      CommandForm(.mappingCreateOrAlter, "create-or-alter \(entity) <kind:\(mappingKinds)> mapping <name:label> <mapping:string> [<properties>]"),
      CommandForm(.mappingAlter, "alter \(entity) <kind:\(mappingKinds)> mapping <name:label> <mapping:string> [<properties>]"),
      CommandForm(.mappingAlterMerge, "alter-merge \(entity) <kind:\(mappingKinds)> mapping <name:label> <mapping:string> [<properties>]"),
      CommandForm(.mappingDrop, "drop \(entity) <kind:\(mappingKinds)> mapping <name:label>"),
      CommandForm(.mappingsShow, "show \(entity) [<kind:\(mappingKinds)>] mappings [<name:string>] [<properties>]"),
      CommandForm(.mappingShow, "show \(entity) <kind:\(mappingKinds)> mapping <name:label>"),
    ]
  } + [CommandForm(.mappingsShow, "show [cluster] ingestion [<kind:\(mappingKinds)>] mappings [<properties>]")]

  static let storedResults: [CommandForm] = [
    CommandForm(.storedQueryResultSet, "set [async] stored_query_result <result> [<properties>] <query:source>"),
    CommandForm(.storedQueryResultSetOrReplace, "set-or-replace [async] stored_query_result <result> [<properties>] <query:source>"),
    CommandForm(.storedQueryResultSchemaShow, "show stored_query_result <result> schema"),
    CommandForm(.storedQueryResultsShow, "show stored_query_results [<result>]"),
    CommandForm(.storedQueryResultDrop, "drop stored_query_result <result>"),
    CommandForm(.storedQueryResultsDrop, "drop stored_query_results by user <principal:string>"),
  ]

  static let ingestion: [CommandForm] = [
    CommandForm(.dataIngestInline, "ingest inline into table <table> [<properties>] <data:source>"),
    CommandForm(.dataIngestInline, "ingest inline into table <table> [<properties>] <data:bracketed>"),
    CommandForm(.dataIngestPull, "ingest [async] into table <table> <paths:strings> [<properties>]"),
    CommandForm(.dataIngestPull, "ingest [async] into <table> <paths:strings> [<properties>]"),
    CommandForm(.tableSet, "set [async] [table] <table> [<properties>] <query:source>"),
    CommandForm(.tableAppend, "append [async] [table] <table> [<properties>] <query:source>"),
    CommandForm(.tableSetOrAppend, "set-or-append [async] [table] <table> [<properties>] <query:source>"),
    CommandForm(.tableSetOrReplace, "set-or-replace [async] [table] <table> [<properties>] <query:source>"),
    CommandForm(.queuedIngest, "ingest-from-storage-queued into table <table> [<properties>] <source:source>"),
    CommandForm(.dataExportToStorage, "export [async] [compressed] to <format:csv|tsv|json|parquet> <paths:strings> [<properties>] <query:source>"),
    CommandForm(.dataExportToTable, "export [async] to table <table> [<properties>] <query:source>"),
    CommandForm(.dataExportToSql, "export [async] to sql <table> <connection:string> [<properties>] <query:source>"),
  ]

  private static let extentsToDrop =
    "extents [older <age:literal> {days | hours}] from {all tables | tables <tables:names> | <table>} "
    + "[trim by {extentsize | datasize} <size:literal> {MB | GB | bytes}] [limit <limit:literal>]"

  static let extents: [CommandForm] = [
    CommandForm(.clusterExtentsShow, "show cluster extents [<ids:guids>] [hot] [metadata] [where <tags:tagFilter>] [<properties>]"),
    CommandForm(.databaseExtentsShow, "show database [<database>] extents [<ids:guids>] [hot] [metadata] [where <tags:tagFilter>] [<properties>]"),
    CommandForm(.databasesExtentsShow, "show databases <databases:names> extents [<ids:guids>] [hot] [metadata] [where <tags:tagFilter>] [<properties>]"),
    CommandForm(.tableExtentsShow, "show table <table> extents [<ids:guids>] [hot] [metadata] [where <tags:tagFilter>] [<properties>]"),
    CommandForm(.tablesExtentsShow, "show tables <tables:names> extents [<ids:guids>] [hot] [metadata] [where <tags:tagFilter>] [<properties>]"),
    CommandForm(.extentsMove, "move [async] extents all from table <source> to table <target> [<properties>]"),
    CommandForm(.extentsMove, "move [async] extents from table <source> to table <target> [<properties>] <ids:guids>"),
    CommandForm(.extentsMove, "move [async] extents from table <source> to table <target> <ids:guids> [<properties>]"),
    CommandForm(.extentsMoveQuery, "move [async] extents to table <target> [<properties>] <query:source>"),
    CommandForm(.extentsReplace, "replace [async] extents in table <target> [<properties>] <query:source>"),
    CommandForm(.extentDrop, "drop extent <ids:guids> [from <table>]"),
    CommandForm(.extentsDrop, "drop extents <ids:guids> [from <table>]"),
    CommandForm(.extentsDropPredicate, "drop \(extentsToDrop)"),
    CommandForm(.extentsDropPredicate, "drop-pretend \(extentsToDrop)"),
    CommandForm(.extentsDropQuery, "drop extents [whatif] <query:source>"),
    CommandForm(.extentsMerge, "merge [async] <table> <ids:guids> [<properties>]"),
    CommandForm(.extentsMergeDryRun, "merge dryrun <table> <ids:guids>"),
    CommandForm(.extentTagsAlter, "alter [async] table <table> extent tags <tags:strings> [<properties>] <query:source>"),
    CommandForm(.extentTagsAlterMerge, "alter-merge [async] table <table> extent tags <tags:strings> [<properties>] <query:source>"),
    CommandForm(.extentTagsDrop, "drop [async] extent tags from table <table> [<tags:strings>] [<properties>] [<query:source>]"),
    CommandForm(.extentTagsDrop, "drop [async] table <table> extent tags [<tags:strings>] [<properties>] [<query:source>]"),
    CommandForm(.extentTagStatisticsShow, "show database extent tags statistics [<properties>]"),
  ]
}
