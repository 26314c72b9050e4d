// Role: forms of commands about the service itself: version, cluster, operations, queries, journal, scripts.

extension CommandForms {
  static let service: [CommandForm] = [
    CommandForm(.versionShow, "show version"),
    CommandForm(.clusterShow, "show cluster"),
    CommandForm(.clusterDetailsShow, "show cluster details"),
    CommandForm(.diagnosticsShow, "show diagnostics [<properties>]"),
    CommandForm(.capacityShow, "show capacity [<resource:ingestions|extents-merge|extents-partition|data-export|table-purge|streaming-ingest-post-processing|materialized-view|stored-query-results|queries>] [<properties>]"),
    CommandForm(.pluginsShow, "show plugins [<properties>]"),
    CommandForm(.workloadGroupsShow, "show {workload_groups | workload_group <group>}"),
    CommandForm(.operationsShow, "show operations [<ids:guids>] [<properties>]"),
    CommandForm(.operationDetailsShow, "show operation <id:guid> details"),
    CommandForm(.operationCancel, "cancel operation <id:guid> [<properties>]"),
    CommandForm(.queriesShow, "show queries"),
    CommandForm(.runningQueriesShow, "show running queries [by {user <user:string> | *}]"),
    CommandForm(.queryCancel, "cancel query <id:string> [<properties>]"),
    CommandForm(.commandsShow, "show commands"),
    CommandForm(.commandsAndQueriesShow, "show commands-and-queries"),
    CommandForm(.journalShow, "show [cluster] journal"),
    CommandForm(.databaseJournalShow, "show database [<database>] journal"),
    CommandForm(.ingestionFailuresShow, "show ingestion failures [<properties>]"),
    CommandForm(.streamingFailuresShow, "show streamingingestion failures [<properties>]"),
    CommandForm(.streamingStatisticsShow, "show streamingingestion statistics [<properties>]"),
    CommandForm(.continuousExportsShow, "show continuous-exports"),
    CommandForm(.entityGroupsShow, "show entity_groups"),
    CommandForm(.queryPlanShow, "show queryplan [<properties>] <query:source>"),
    CommandForm(.ingestionResourcesGet, "get ingestion resources [<properties>]"),
    // As the ingestion client for Java asks.
    CommandForm(.ingestionResourcesGet, "show ingestion resources [<properties>]"),
    CommandForm(.exportContainersShow, "show export containers [<properties>]"),
    // The older name, for containers of blobs of one's own.
    CommandForm(.exportContainersShow, "create tempstorage"),
    CommandForm(.identityTokenGet, "get kusto identity token [<properties>]"),
    CommandForm(.scriptExecute, "execute [database] script [<properties>] <script:source>"),
    CommandForm(.clusterScriptExecute, "execute cluster script [<properties>] <script:source>"),
  ]
}
