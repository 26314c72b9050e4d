// Role: which command needs which right: the table, with one line per family, and nothing else. Every command stands in it, or this file does
// not compile. Source: the section "Permissions" of each command's page in Kusto's documentation.

import KQL

/// What a command's caller must be allowed to do.
enum CommandNeed {
  /// Nothing: every principal may; what it may not see is left out of the answer.
  case nothing
  /// One of the cluster's roles.
  case cluster([Role])
  /// Rights on the current database.
  case current(DatabaseRights)
  /// Rights on the database under the capture `database`, else on the current one.
  case named(DatabaseRights)
  /// Rights on each database listed under `databases`; a list of all shows only those the caller knows.
  case listed(DatabaseRights)
  /// A role on the entity under the capture.
  case entity(CommandEntity, String, Role = .admins)
  /// A role on each table under the capture.
  case tables(String, Role = .admins)
  /// `create` on the database for a new entity, the role on one that is there.
  case made(CommandEntity, String, Role = .admins)
  /// `create` for each table declared that is new, the role on those that are there; without the role they may be there and stay as they are.
  case madeTables(changing: Bool)
  /// To be able to bring rows into some table.
  case ingestion
  /// What the entity of a policy, of a role command or of a mapping asks for.
  case policy, principals, mapping
}

/// Kinds of entities with roles of their own.
enum CommandEntity: String {
  case table, function, view, external
}

extension CommandKind {
  var needs: [CommandNeed] {
    switch self {
    // Service
    case .versionShow, .clusterShow, .pluginsShow, .operationsShow, .operationDetailsShow, .operationCancel, .queriesShow, .runningQueriesShow, .queryCancel,
      .commandsShow, .commandsAndQueriesShow, .ingestionFailuresShow, .streamingFailuresShow, .streamingStatisticsShow:
      [.nothing]
    case .ingestionResourcesGet, .identityTokenGet: [.ingestion]
    case .clusterDetailsShow, .diagnosticsShow, .capacityShow, .journalShow, .clusterExtentsShow: [.cluster([.allDatabasesMonitor, .allDatabasesAdmin])]
    case .workloadGroupsShow, .clusterScriptExecute, .databaseAttach, .databaseDetach, .databaseDrop: [.cluster([.allDatabasesAdmin])]
    case .databaseCreate, .databaseCreateVolatile: [.cluster([.databasecreators, .allDatabasesAdmin])]
    case .databaseJournalShow: [.named(.monitor)]
    case .scriptExecute: [.current(.administer)]
    // Metadata
    case .continuousExportsShow, .entityGroupsShow, .graphModelShow, .graphModelsShow, .graphSnapshotShow, .graphSnapshotsShow, .tablesShow, .tableShow, .tablesDetailsShow, .tableDetailsShow,
      .tableCslSchemaShow, .tableSchemaAsJsonShow, .tableDataStatisticsShow, .tableColumnStatisticsShow, .functionsShow, .functionShow, .functionSchemaAsJsonShow,
      .tableExtentsShow, .tablesExtentsShow, .extentTagStatisticsShow, .viewsShow, .viewShow, .viewsDetailsShow, .viewDetailsShow, .viewSchemaAsJsonShow,
      .viewCslSchemaShow, .viewExtentsShow, .viewFailuresShow, .viewStatisticsShow, .externalTablesShow, .externalTableShow, .externalTablesDetailsShow,
      .externalTableDetailsShow, .externalTableCslSchemaShow, .externalTableSchemaAsJsonShow, .externalTableMappingsShow, .externalTableMappingShow:
      [.current(.show)]
    case .externalTableArtifactsShow: [.current([.show, .create])]
    case .databaseShow, .databaseDetailsShow, .databaseIdentityShow, .databasePoliciesShow, .databaseDataStatsShow, .databaseSchemaShow, .databaseSchemaAsJsonShow,
      .databaseSchemaAsCslShow, .databaseCslSchemaShow, .databaseSchemaViolationsShow, .databaseExtentsShow:
      [.named(.show)]
    case .databasesShow, .databasesDetailsShow, .databasesIdentityShow, .databasesPoliciesShow, .databasesDataStatsShow, .databasesEntitiesShow,
      .databasesSchemaShow, .clusterSchemaShow, .databasesSchemaAsJsonShow, .clusterSchemaAsJsonShow, .databasesExtentsShow:
      [.listed(.show)]
    case .databasePrettyNameAlter, .databasePrettyNameDrop: [.named(.administer)]
    case .databaseCacheClear: [.named(.ingest)]
    case .queryPlanShow: [.current(.read)]
    // Tables, columns, functions
    case .tableCreate: [.madeTables(changing: false)]
    case .tableCreateBasedOn: [.madeTables(changing: false), .current(.show)]
    case .tablesCreate: [.madeTables(changing: false)]
    case .tableCreateMerge, .tableCreateOrAlter, .tablesCreateMerge: [.madeTables(changing: true)]
    case .tableAlter, .tableAlterMerge, .tableDocStringAlter, .tableFolderAlter, .columnDocStringsAlter, .columnDocStringsAlterMerge, .tableDrop,
      .tableDataClear, .tableRecordsDelete, .tableUpdate, .columnsDrop, .extentsMerge, .extentsMergeDryRun, .extentTagsAlter, .extentTagsAlterMerge, .extentTagsDrop:
      [.entity(.table, "table")]
    case .tableRename: [.entity(.table, "table"), .current(.create)]
    case .tablesRename: [.tables("renames"), .current(.create)]
    case .tablesDrop: [.tables("tables")]
    case .tableUndoDrop: [.current(.administer)]
    case .tableCacheClear: [.entity(.table, "table", .ingestors)]
    case .columnRename, .columnTypeAlter, .columnDrop: [.tables("column")]
    case .columnsRename: [.tables("columns")]
    case .functionCreate, .functionCreateOrAlter: [.made(.function, "function")]
    case .functionAlter, .functionDocStringAlter, .functionFolderAlter, .functionDrop: [.entity(.function, "function")]
    case .functionsDrop: [.entity(.function, "functions")]
    // Data
    case .mappingCreate, .mappingCreateOrAlter, .mappingAlter, .mappingAlterMerge, .mappingDrop, .mappingsShow, .mappingShow: [.mapping]
    case .dataIngestInline, .dataIngestPull, .queuedIngest, .tableAppend: [.entity(.table, "table", .ingestors)]
    case .tableSet, .tableSetOrAppend: [.made(.table, "table", .ingestors)]
    case .tableSetOrReplace: [.made(.table, "table")]
    case .storedQueryResultSet, .storedQueryResultSetOrReplace, .storedQueryResultsShow, .storedQueryResultSchemaShow, .storedQueryResultDrop: [.current(.read)]
    case .storedQueryResultsDrop: [.current(.administer)]
    case .graphModelCreateOrAlter: [.current(.create)]
    case .graphModelDrop, .graphSnapshotMake, .graphSnapshotDrop, .graphSnapshotsDrop: [.current(.administer)]
    case .exportContainersShow, .dataExportToStorage, .dataExportToSql: [.current(.read)]
    case .dataExportToTable: [.current(.read), .entity(.external, "table")]
    // Extents
    case .extentsMove: [.entity(.table, "source"), .entity(.table, "target")]
    case .extentsMoveQuery, .extentsReplace: [.entity(.table, "target")]
    case .extentDrop, .extentsDrop, .extentsDropPredicate: [.entity(.table, "table")]
    case .extentsDropQuery: [.current(.administer)]
    // Policies, views, external tables, principals
    case .policyShow, .policyAlter, .policyAlterMerge, .policyDelete: [.policy]
    case .viewCreate: [.current(.administer)]
    case .viewCreateOrAlter: [.made(.view, "view")]
    case .viewAlter, .viewDocStringAlter, .viewFolderAlter, .viewLookbackAlter, .viewAutoUpdateSchemaAlter, .viewRename, .viewDrop, .viewEnable, .viewDisable,
      .viewDataClear, .viewRecordsDelete:
      [.entity(.view, "view")]
    case .externalTableCreate, .externalTableCreateOrAlter: [.made(.external, "table")]
    case .externalTableAlter, .externalTableDrop, .externalTableDocStringAlter, .externalTableFolderAlter, .externalTableMappingCreate,
      .externalTableMappingAlter, .externalTableMappingDrop:
      [.entity(.external, "table")]
    case .principalsShow, .principalsAdd, .principalsDrop, .principalsSet: [.principals]
    case .principalRolesShow, .principalAccessShow: [.nothing]
    }
  }
}
