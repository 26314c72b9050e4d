// Role: forms of commands about databases and about the schema of databases.

extension CommandForms {
  static let databases: [CommandForm] = [
    CommandForm(.databaseCreate, "create database <database> [ifnotexists]"),
    CommandForm(.databaseCreate, "create database <database> persist (<paths:string> [, <data:string>]) [ifnotexists] [<properties>]"),
    CommandForm(.databaseCreateVolatile, "create database <database> volatile [ifnotexists]"),
    CommandForm(.databaseAttach, "attach database [metadata] <database> from <path:strings>"),
    CommandForm(.databaseAttach, "load database <database> from <path:strings>"),
    CommandForm(.databaseDetach, "detach database <database> [ifexists] [skip-seal]"),
    CommandForm(.databaseDrop, "drop database <database> [ifexists] [skip-seal]"),
    CommandForm(.databasePrettyNameAlter, "alter database <database> prettyname <name:string>"),
    CommandForm(.databasePrettyNameDrop, "drop database <database> prettyname"),
    CommandForm(.databasesShow, "show [cluster] databases [<databases:names>] [<properties>]"),
    CommandForm(.databasesDetailsShow, "show [cluster] databases [<databases:names>] {details | verbose} [<properties>]"),
    CommandForm(.databaseDetailsShow, "show database [<database>] {details | verbose} [<properties>]"),
    CommandForm(.databasesIdentityShow, "show [cluster] databases [<databases:names>] identity [<properties>]"),
    CommandForm(.databaseIdentityShow, "show database [<database>] identity [<properties>]"),
    CommandForm(.databasesPoliciesShow, "show [cluster] databases [<databases:names>] policies [<properties>]"),
    CommandForm(.databasePoliciesShow, "show database [<database>] policies [<properties>]"),
    CommandForm(.databasesDataStatsShow, "show [cluster] databases [<databases:names>] datastats [<properties>]"),
    CommandForm(.databaseDataStatsShow, "show database [<database>] datastats [<properties>]"),
    CommandForm(.databasesEntitiesShow, "show databases entities [<properties>]"),
    CommandForm(.databaseCacheClear, "clear database [<database>] cache {query_results | streamingingestion schema | query_weak_consistency | remote-schema}"),
    // As clients that change a batching policy ask the ingestion service to read it anew.
    CommandForm(.databaseCacheClear, "refresh database <database> table <table> cache ingestionbatchingpolicy"),
  ]

  static let schemas: [CommandForm] = [
    CommandForm(.databaseSchemaShow, "show database [<database>] schema [details] [if_later_than <version:string>] [<properties>]"),
    CommandForm(.databasesSchemaShow, "show databases [<databases:names>] schema [details] [<properties>]"),
    CommandForm(.clusterSchemaShow, "show [cluster] schema [details] [<properties>]"),
    CommandForm(.databaseSchemaAsJsonShow, "show database [<database>] schema [details] [if_later_than <version:string>] as json [<properties>]"),
    CommandForm(.databasesSchemaAsJsonShow, "show databases [<databases:names>] schema [details] as json [<properties>]"),
    CommandForm(.clusterSchemaAsJsonShow, "show [cluster] schema as json [<properties>]"),
    CommandForm(.databaseSchemaAsCslShow, "show database [<database>] schema [if_later_than <version:string>] as {csl | kql} [script] [<properties>]"),
    CommandForm(.databaseCslSchemaShow, "show database [<database>] {cslschema | kqlschema} [script] [if_later_than <version:string>] [<properties>]"),
    CommandForm(.databaseSchemaViolationsShow, "show database [<database>] schema violations"),
  ]

  /// Tried when no other form takes the text: every word may be the name of a database.
  static let database = [CommandForm(.databaseShow, "show database [<database>] [<properties>]")]
}
