// Role: the output columns of every command, as Kusto's language definitions and documentation give them.

enum Shapes {
  static let storedResults = Shape("StoredQueryResultId Name DatabaseName PrincipalIdentity SizeInBytes:l RowCount:l CreatedOn:dt ExpiresOn:dt")
  static let storedResultSchema = Shape("StoredQueryResult Schema")

  // MARK: Service and databases
  static let version = Shape("BuildVersion BuildTime:dt ServiceType ProductVersion")
  static let cluster = Shape(
    "NodeId Address Name StartTime:dt IsAdmin:b MachineTotalMemory:l MachineAvailableMemory:l ProcessorCount:i EnvironmentDescription")
  static let clusterDetails = Shape(
    "NodeId Address Name StartTime:dt AssignedHotExtents:i IsAdmin:b MachineTotalMemory:l MachineAvailableMemory:l ProcessorCount:i HotExtentsOriginalSize:l HotExtentsSize:l EnvironmentDescription ProductVersion Reserved0:i ClockDescription RuntimeDescription")
  static let diagnostics = Shape(
    "IsHealthy:b EnvironmentDescription IsScaleOutRequired:b MachinesTotal:i MachinesOffline:i NodeLastRestartedOn:dt AdminLastElectedOn:dt ExtentsTotal:l DiskColdAllocationPercentage:i InstancesTargetBasedOnDataCapacity:i TotalOriginalDataSize:r TotalExtentSize:r IngestionsLoadFactor:r IngestionsInProgress:l IngestionsSuccessRate:r MergesInProgress:l BuildVersion BuildTime:dt ClusterDataCapacityFactor:r IsDataWarmingRequired:b DataWarmingLastRunOn:dt MergesSuccessRate:r NotHealthyReason IsAttentionRequired:b AttentionRequiredReason ProductVersion FailedIngestOperations:l FailedMergeOperations:l MaxExtentsInSingleTable:l TableWithMaxExtents WarmExtentSize:r NumberOfDatabases:i PurgeExtentsRebuildLoadFactor:r PurgeExtentsRebuildInProgress:l PurgesInProgress:l RowStoreLocalStorageCapacityFactor:r ExportsLoadFactor:r ExportsInProgress:l PendingContinuousExports:l MaxContinuousExportLatenessMinutes:l RowStoreSealsInProgress:l IsRowStoreUnhealthy:b MachinesSuspended:i DataPartitioningLoadFactor:r DataPartitioningOperationsInProgress:l MinPartitioningPercentageInSingleTable:r TableWithMinPartitioningPercentage V3DataCapacityFactor:r MaterializedViewsInProgress:l")
  static let capacity = Shape("Resource Total:l Consumed:l Remaining:l Origin")
  static let databases = Shape("DatabaseName PersistentStorage Version IsCurrent:b DatabaseAccessMode PrettyName ReservedSlot1:b DatabaseId:g InTransitionTo SuspensionState")
  static let databasesDetails = Shape(
    "DatabaseName PersistentStorage Version IsCurrent:b DatabaseAccessMode PrettyName AuthorizedPrincipals RetentionPolicy MergePolicy ReservedSlot1 CachingPolicy ShardingPolicy StreamingIngestionPolicy IngestionBatchingPolicy TotalSize:r DatabaseId:g InTransitionTo")
  static let databasesIdentity = Shape(
    "DatabaseName PersistentStorage Version IsCurrent:b DatabaseAccessMode PrettyName CurrentUserIsUnrestrictedViewer:b DatabaseId:g InTransitionTo")
  static let databasesPolicies = Shape(
    "DatabaseName PersistentStorage Version IsCurrent:b DatabaseAccessMode PrettyName DatabaseId:g AuthorizedPrincipals RetentionPolicy MergePolicy CachingPolicy ShardingPolicy StreamingIngestionPolicy IngestionBatchingPolicy")
  static let databasesDataStats = Shape(
    "DatabaseName PersistentStorage Version IsCurrent:b DatabaseAccessMode PrettyName CurrentUseIsUnrestrictedViewer:b DatabaseId:g OriginalSize:r ExtentSize:r CompressedSize:r IndexSize:r RowCount:l HotOriginalSize:r HotExtentSize:r HotCompressedSize:r HotIndexSize:r HotRowCount:l TotalExtents:l HotExtents:l")
  static let databaseCreate = Shape("DatabaseName PersistentPath Created StoresMetadata:b StoresData:b")
  static let databaseAttach = Shape("Step Duration")
  static let databaseDrop = Shape("Table NumberOfRemovedExtents")
  static let prettyName = Shape("DatabaseName PrettyName")
  static let script = Shape("OperationId:g CommandType CommandText Result Reason")
  static let entities = Shape("DatabaseName EntityType EntityName DocString Folder CslInputSchema Content CslOutputSchema Properties:dy")

  // MARK: Schema
  static let schema = Shape("DatabaseName TableName ColumnName ColumnType IsDefaultTable:b IsDefaultColumn:b PrettyName Version Folder DocString")
  static let schemaJSON = Shape("DatabaseSchema")
  static let schemaScript = Shape("DatabaseSchemaScript")
  static let schemaViolations = Shape("EntityKind EntityName Property Reason")
  static let tableSchema = Shape("TableName Schema DatabaseName Folder DocString")
  static let tables = Shape("TableName DatabaseName Folder DocString")
  static let tableColumns = Shape(
    "AttributeName AttributeType ExtentSize:l CompressionRatio:r IndexSize:l IndexSizePercent:r OriginalSize:l AttributeId:g SharedIndexSize:l StorageEngineVersion")
  static let tablesDetails = Shape(
    "TableName DatabaseName Folder DocString TotalExtents:l TotalExtentSize:r TotalOriginalSize:r TotalRowCount:l HotExtents:l HotExtentSize:r HotOriginalSize:r HotRowCount:l AuthorizedPrincipals RetentionPolicy CachingPolicy ShardingPolicy MergePolicy StreamingIngestionPolicy IngestionBatchingPolicy MinExtentsCreationTime:dt MaxExtentsCreationTime:dt RowOrderPolicy TableId:g")
  static let dataStatistics = Shape(
    "ColumnName ColumnType ColumnId:g OriginalSize:l ExtentSize:l CompressionRatio:r DataCompressedSize:l SharedIndexSize:l IndexSize:l IndexSizePercent:r StorageEngineVersion PresentRowCount:l DeletedRowCount:l SamplePercent:r IncludeColdData:b")
  static let functions = Shape("Name Parameters Body Folder DocString")
  static let functionName = Shape("Name")
  static let functionSchema = Shape("Name Schema DatabaseName Folder DocString")
  static let views = Shape(
    "Name SourceTable Query MaterializedTo:dt LastRun:dt LastRunResult IsHealthy:b IsEnabled:b Folder DocString AutoUpdateSchema:b EffectiveDateTime:dt Lookback:ts LookbackColumn")
  static let viewsDetails = Shape(
    "MaterializedViewName DatabaseName Folder DocString TotalExtents:l TotalExtentSize:r TotalOriginalSize:r TotalRowCount:l HotExtents:l HotExtentSize:r HotOriginalSize:r HotRowCount:l AuthorizedPrincipals RetentionPolicy CachingPolicy ShardingPolicy MergePolicy MinExtentsCreationTime:dt MaxExtentsCreationTime:dt RowOrderPolicy TableId:g")
  static let viewSchema = Shape("MaterializedViewName Schema DatabaseName Folder DocString")
  static let viewFailures = Shape("Timestamp:dt OperationId:g Name LastSuccessRun:dt FailureKind Details")
  static let viewStatistics = Shape("Name Timestamp:dt MaterializedTo:dt RowCount:l")
  static let externalTables = Shape("TableName TableType Folder DocString Properties ConnectionStrings:dy Partitions:dy PathFormat")
  static let externalArtifacts = Shape("Uri Size:l Partition:dy")
  static let externalMappings = Shape("Name Kind Mapping LastUpdatedOn:dt Database Table")
  static let entityGroups = Shape("Name Entities")

  // MARK: Tables and ingestion
  static let tableDrop = Shape("TableName DatabaseName")
  static let columns = Shape("EntityName DataType Policy")
  static let status = Shape("Status")
  static let cache = Shape("NodeId Status")
  static let extentId = Shape("ExtentId:g")
  static let ingest = Shape("ExtentId:g ItemLoaded Duration HasErrors OperationId:g")
  static let ingestQuery = Shape("ExtentId:g OriginalSize:l ExtentSize:l ColumnSize:l IndexSize:l RowCount:l")
  static let operationId = Shape("OperationId:g")
  static let tableMappings = Shape("Name Kind Mapping LastUpdatedOn:dt Database Table")
  static let databaseMappings = Shape("Name Kind Mapping LastUpdatedOn:dt Database")
  static let update = Shape("Table Action ExtentId:g RowCount:l")
  static let export = Shape("Path NumRecords:l")
  static let exportTable = Shape("ExternalTableName Path NumRecords:l")

  // MARK: Policies, extents, logs
  static let policies = Shape("PolicyName EntityName Policy ChildEntities EntityType")
  static let extents = Shape(
    "ExtentId:g DatabaseName TableName MaxCreatedOn:dt OriginalSize:r ExtentSize:r CompressedSize:r IndexSize:r Blocks:l Segments:l ExtentContainerId RowCount:l MinCreatedOn:dt Tags Kind DeletedRowCount:l")
  static let extentMoves = Shape("OriginalExtentId ResultExtentId Details")
  static let extentDrops = Shape("ExtentId:g TableName CreatedOn:dt")
  static let extentMerges = Shape("OriginalExtentId ResultExtentId Duration:ts")
  static let extentTags = Shape("OriginalExtentId ResultExtentId ResultExtentTags Details")
  static let tagStatistics = Shape("TableName TotalExtents:l TaggedExtents:l TotalTagsCount:l TotalTagsLength:l TotalIngestByTags:l TotalDropByTags:l")
  static let operations = Shape(
    "OperationId:g Operation NodeId StartedOn:dt LastUpdatedOn:dt Duration:ts State Status RootActivityId:g ShouldRetry:b Database Principal User AdminEpochStartTime:dt VirtualCluster")
  static let failures = Shape(
    "OperationId:g Database Table FailedOn:dt IngestionSourcePath Details FailureKind RootActivityId:g OperationKind OriginatesFromUpdatePolicy:b ErrorCode Principal ShouldRetry:b User IngestionProperties")
  static let streamingFailures = Shape(
    "Database Table Principal RootActivityId:g IngestionProperties:dy Count:l FirstFailureOn:dt LastFailureOn:dt FailureKind ErrorCode Details")
  static let streamingStatistics = Shape(
    "Database Table StartTime:dt EndTime:dt Count:l MinDuration:ts MaxDuration:ts AvgDuration:ts TotalDataSize:l MinDataSize:l MaxDataSize:l TotalRowCount:l MinRowCount:l MaxRowCount:l IngestionStatus NumOfRowStoresReferences:i Principal NodeId IngestionProperties:dy")
  static let queries = Shape(
    "ClientActivityId Text Database StartedOn:dt LastUpdatedOn:dt Duration:ts State RootActivityId:g User FailureReason TotalCpu:ts CacheStatistics:dy Application MemoryPeak:l ScannedExtentsStatistics:dy Principal ClientRequestProperties:dy ResultSetStatistics:dy WorkloadGroup OverallQueryStats VirtualCluster")
  static let commands = Shape(
    "ClientActivityId CommandType Text Database StartedOn:dt LastUpdatedOn:dt Duration:ts State RootActivityId:g User FailureReason Application Principal TotalCpu:ts ResourcesUtilization:dy ClientRequestProperties:dy WorkloadGroup VirtualCluster")
  static let commandsAndQueries = Shape(
    "ClientActivityId CommandType Text Database StartedOn:dt LastUpdatedOn:dt Duration:ts State FailureReason RootActivityId:g User Application Principal ClientRequestProperties:dy TotalCpu:ts MemoryPeak:l CacheStatistics:dy ScannedExtentsStatistics:dy ResultSetStatistics:dy WorkloadGroup OverallQueryStats VirtualCluster")
  static let journal = Shape(
    "Event EventTimestamp:dt Database EntityName UpdatedEntityName EntityVersion EntityContainerName OriginalEntityState UpdatedEntityState ChangeCommand Principal RootActivityId:g ClientRequestId User OriginalEntityVersion")
  static let principals = Shape("Role PrincipalType PrincipalDisplayName PrincipalObjectId PrincipalFQN Notes RoleAssignmentIdentifier")
  static let principalRoles = Shape("Scope DisplayName AADObjectID Role")
  static let cancelQuery = Shape("ClientRequestId Canceled:b Details")
  static let cancelOperation = Shape("OperationId:g Operation StartedOn:dt CancellationState ReasonPhrase")
  static let plugins = Shape("PluginName IsEnabled:b")
  static let workloadGroups = Shape("WorkloadGroupName WorkloadGroup")
  static let continuousExports = Shape(
    "Name ExternalTableName Query ForcedLatency:ts IntervalBetweenRuns:ts CursorScopedTables ExportProperties LastRunTime:dt StartCursor IsDisabled:b LastRunResult ExportedTo:dt IsRunning:b")
  static let graphModelMade = Shape("Name CreationTime:dt Id SnapshotsCount:i Model AuthorizedPrincipals RetentionPolicy")
  static let graphModel = Shape("Name CreationTime:dt Id")
  static let graphModelDetails = Shape("Name CreationTime:dt Id SnapshotCount:l Model:dy")
  static let graphModels = Shape("Name CreationTime:dt Id:g")
  static let graphModelsDetails = Shape("Name CreationTime:dt Id:g SnapshotsCount:l Model:dy AuthorizedPrincipals:dy RetentionPolicy:dy")
  static let graphSnapshotMade = Shape("Name SnapshotTime:dt ModelName ModelId ModelCreationTime:dt NodesCount:l EdgesCount:l RetentionPolicy")
  static let graphSnapshot = Shape("Name SnapshotTime:dt ModelName ModelId ModelCreationTime:dt")
  static let graphSnapshotDetails = Shape("Name SnapshotTime:dt ModelName ModelId ModelCreationTime:dt NodesCount:l EdgesCount:l RetentionPolicy:dy")
  static let graphSnapshots = Shape("Name SnapshotTime:dt ModelName ModelId:g ModelCreationTime:dt")
  static let queryPlan = Shape("ResultType Format Content")
}
