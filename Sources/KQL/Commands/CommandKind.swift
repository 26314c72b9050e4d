// Role: the names of all commands, those of Kusto's CommandType where it has one.

/// Which command a text is; prints as its command type: `TableCreate`.
package enum CommandKind: String, Hashable, Sendable, CaseIterable {
  case versionShow, clusterShow, clusterDetailsShow, diagnosticsShow, capacityShow, pluginsShow, workloadGroupsShow, operationsShow,
    operationDetailsShow, operationCancel, queriesShow, runningQueriesShow, queryCancel, commandsShow, commandsAndQueriesShow, journalShow,
    databaseJournalShow, ingestionFailuresShow, streamingFailuresShow, streamingStatisticsShow, continuousExportsShow, entityGroupsShow,
    queryPlanShow, ingestionResourcesGet, exportContainersShow, identityTokenGet, scriptExecute, clusterScriptExecute
  case databaseCreate, databaseCreateVolatile, databaseAttach, databaseDetach, databaseDrop, databasePrettyNameAlter,
    databasePrettyNameDrop, databasesShow, databaseShow, databasesDetailsShow, databaseDetailsShow, databasesIdentityShow,
    databaseIdentityShow, databasesPoliciesShow, databasePoliciesShow, databasesDataStatsShow, databaseDataStatsShow,
    databasesEntitiesShow, databaseCacheClear, databaseSchemaShow, databasesSchemaShow, clusterSchemaShow, databaseSchemaAsJsonShow,
    databasesSchemaAsJsonShow, clusterSchemaAsJsonShow, databaseSchemaAsCslShow, databaseCslSchemaShow, databaseSchemaViolationsShow
  case tableCreate, tableCreateBasedOn, tableCreateMerge, tableCreateOrAlter, tablesCreate, tablesCreateMerge, tableAlter, tableAlterMerge,
    tableDocStringAlter, tableFolderAlter, columnDocStringsAlter, columnDocStringsAlterMerge, tableRename, tablesRename, tableDrop,
    tablesDrop, tableUndoDrop, tablesShow, tableShow, tablesDetailsShow, tableDetailsShow, tableCslSchemaShow, tableSchemaAsJsonShow,
    tableDataStatisticsShow, tableColumnStatisticsShow, tableDataClear, tableCacheClear, tableRecordsDelete, tableUpdate, columnRename,
    columnsRename, columnTypeAlter, columnDrop, columnsDrop, functionsShow, functionShow, functionSchemaAsJsonShow, functionCreate,
    functionCreateOrAlter, functionAlter, functionDocStringAlter, functionFolderAlter, functionDrop, functionsDrop
  case mappingCreate, mappingCreateOrAlter, mappingAlter, mappingAlterMerge, mappingDrop, mappingsShow, mappingShow, dataIngestInline,
    dataIngestPull, tableSet, tableAppend, tableSetOrAppend, tableSetOrReplace, queuedIngest, dataExportToStorage, dataExportToTable,
    dataExportToSql, clusterExtentsShow, databaseExtentsShow, databasesExtentsShow, tableExtentsShow, tablesExtentsShow, extentsMove,
    extentsMoveQuery, extentsReplace, extentDrop, extentsDrop, extentsDropPredicate, extentsDropQuery, extentsMerge, extentsMergeDryRun,
    extentTagsAlter, extentTagsAlterMerge, extentTagsDrop, extentTagStatisticsShow
  case storedQueryResultSet, storedQueryResultSetOrReplace, storedQueryResultsShow, storedQueryResultSchemaShow, storedQueryResultDrop,
    storedQueryResultsDrop
  case graphModelCreateOrAlter, graphModelShow, graphModelsShow, graphModelDrop, graphSnapshotMake, graphSnapshotShow, graphSnapshotsShow, graphSnapshotDrop,
    graphSnapshotsDrop
  case policyShow, policyAlter, policyAlterMerge, policyDelete
  case viewCreate, viewCreateOrAlter, viewAlter, viewDocStringAlter, viewFolderAlter, viewLookbackAlter, viewAutoUpdateSchemaAlter,
    viewRename, viewDrop, viewEnable, viewDisable, viewDataClear, viewsShow, viewShow, viewsDetailsShow, viewDetailsShow,
    viewSchemaAsJsonShow, viewCslSchemaShow, viewExtentsShow, viewFailuresShow, viewStatisticsShow, viewRecordsDelete, externalTableCreate,
    externalTableCreateOrAlter, externalTableAlter, externalTableDrop, externalTableDocStringAlter, externalTableFolderAlter,
    externalTablesShow, externalTableShow, externalTablesDetailsShow, externalTableDetailsShow, externalTableCslSchemaShow,
    externalTableSchemaAsJsonShow, externalTableArtifactsShow, externalTableMappingCreate, externalTableMappingAlter,
    externalTableMappingDrop, externalTableMappingsShow, externalTableMappingShow
  case principalsShow, principalRolesShow, principalAccessShow, principalsAdd, principalsDrop, principalsSet

  /// The command type in logs and script results.
  package var typeName: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

  /// Whether the command leaves everything as it is.
  package var isReadOnly: Bool { rawValue.hasSuffix("Show") || rawValue.hasSuffix("Get") || self == .extentsMergeDryRun }
}
