// Role: forms of commands about materialized views, graph models and external tables.

extension CommandForms {
  static let views: [CommandForm] = [
    CommandForm(.viewCreate, "create [async] [ifnotexists] materialized-view [<properties>] <view> on {table | materialized-view} <source> <body:body>"),
    CommandForm(.viewCreateOrAlter, "create-or-alter [async] materialized-view [<properties>] <view> on {table | materialized-view} <source> <body:body>"),
    CommandForm(.viewAlter, "alter materialized-view [<properties>] <view> on {table | materialized-view} <source> <body:body>"),
    CommandForm(.viewDocStringAlter, "alter materialized-view <view> docstring <text:string>"),
    CommandForm(.viewFolderAlter, "alter materialized-view <view> folder <text:string>"),
    CommandForm(.viewLookbackAlter, "alter materialized-view <view> lookback <value:literal>"),
    CommandForm(.viewAutoUpdateSchemaAlter, "alter materialized-view <view> autoUpdateSchema <value:literal>"),
    CommandForm(.viewRename, "rename materialized-view <view> to <name>"),
    CommandForm(.viewDrop, "drop materialized-view <view> [ifexists]"),
    CommandForm(.viewEnable, "enable materialized-view <view> [<properties>]"),
    CommandForm(.viewDisable, "disable materialized-view <view>"),
    CommandForm(.viewDataClear, "clear materialized-view <view> data"),
    CommandForm(.viewsShow, "show materialized-views [<views:names>] [<properties>]"),
    CommandForm(.viewShow, "show materialized-view <view> [<properties>]"),
    CommandForm(.viewsDetailsShow, "show materialized-views [<views:names>] details"),
    CommandForm(.viewDetailsShow, "show materialized-view <view> details"),
    CommandForm(.viewSchemaAsJsonShow, "show materialized-view <view> schema as json"),
    CommandForm(.viewCslSchemaShow, "show materialized-view <view> {cslschema | kqlschema}"),
    CommandForm(.viewExtentsShow, "show materialized-view <view> extents [<ids:guids>] [hot]"),
    CommandForm(.viewFailuresShow, "show materialized-view <view> failures"),
    CommandForm(.viewStatisticsShow, "show materialized-view <view> statistics"),
    CommandForm(.viewRecordsDelete, "delete [async] materialized-view <view> records [<properties>] <query:source>"),
  ]

  static let graphs: [CommandForm] = [
    CommandForm(.graphModelCreateOrAlter, "create-or-alter graph_model <model> <definition:string>"),
    CommandForm(.graphModelShow, "show graph_model <model> [details] [<properties>]"),
    CommandForm(.graphModelsShow, "show graph_models [details] [<properties>]"),
    CommandForm(.graphModelDrop, "drop graph_model <model>"),
    CommandForm(.graphSnapshotMake, "make [async] graph_snapshot <snapshot> from <model>"),
    CommandForm(.graphSnapshotShow, "show graph_snapshot <snapshot:path> [details]"),
    CommandForm(.graphSnapshotsShow, "show graph_snapshots [<model:path>]"),
    CommandForm(.graphSnapshotDrop, "drop graph_snapshot <snapshot:path>"),
    CommandForm(.graphSnapshotsDrop, "drop graph_snapshots <model>"),
  ]

  private static let externalBody =
    "external table <table> [<columns:schema>] kind = <kind:storage|blob|adl|delta|sql> [partition by <partitions:partitions>] [pathformat = <pathformat:pathFormat>] "
    + "[dataformat = <format>] [table = <sqltable>] <paths:strings> [<properties>]"

  static let externalTables: [CommandForm] = [
    CommandForm(.externalTableCreate, "create \(externalBody)"),
    CommandForm(.externalTableCreateOrAlter, "create-or-alter \(externalBody)"),
    CommandForm(.externalTableAlter, "alter \(externalBody)"),
    CommandForm(.externalTableDrop, "drop external table <table> [ifexists]"),
    CommandForm(.externalTableDocStringAlter, "alter external table <table> docstring <text:string>"),
    CommandForm(.externalTableFolderAlter, "alter external table <table> folder <text:string>"),
    CommandForm(.externalTablesShow, "show external tables [<properties>]"),
    CommandForm(.externalTableShow, "show external table <table> [<properties>]"),
    CommandForm(.externalTablesDetailsShow, "show external tables details"),
    CommandForm(.externalTableDetailsShow, "show external table <table> details"),
    CommandForm(.externalTableCslSchemaShow, "show external table <table> {cslschema | kqlschema | schema as {csl | kql}}"),
    CommandForm(.externalTableSchemaAsJsonShow, "show external table <table> schema as json"),
    CommandForm(.externalTableArtifactsShow, "show external table <table> artifacts [limit <limit:literal>] [<properties>]"),
    CommandForm(.externalTableMappingCreate, "create external table <table> [<kind:json|parquet|avro|orc|csv>] mapping <name:label> <mapping:string> [<properties>]"),
    CommandForm(.externalTableMappingAlter, "alter external table <table> [<kind:json|parquet|avro|orc|csv>] mapping <name:label> <mapping:string>"),
    CommandForm(.externalTableMappingDrop, "drop external table <table> [<kind:json|parquet|avro|orc|csv>] mapping <name:label>"),
    CommandForm(.externalTableMappingsShow, "show external table <table> [<kind:json|parquet|avro|orc|csv>] mappings"),
    CommandForm(.externalTableMappingShow, "show external table <table> [<kind:json|parquet|avro|orc|csv>] mapping <name:label>"),
  ]
}
