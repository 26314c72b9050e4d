// Role: every documented form of every command is read as that command, and wrong ones say what was expected.

import KQL
import Testing

struct ParseCase: Sendable, CustomTestStringConvertible {
  var kind: CommandKind
  var text: String
  init(_ kind: CommandKind, _ text: String) {
    self.kind = kind
    self.text = text
  }
  var testDescription: String { text }
}

struct MistakeCase: Sendable, CustomTestStringConvertible {
  var text: String
  /// A part of the message or hint.
  var says: String
  init(_ text: String, _ says: String) {
    self.text = text
    self.says = says
  }
  var testDescription: String { text }
}

@Suite struct CommandParseTests {
  static let cases: [ParseCase] = [
    ParseCase(.versionShow, ".show version"), ParseCase(.clusterShow, ".show cluster"), ParseCase(.clusterDetailsShow, ".show cluster details"),
    ParseCase(.diagnosticsShow, ".show diagnostics"), ParseCase(.capacityShow, ".show capacity"), ParseCase(.capacityShow, ".show capacity ingestions"),
    ParseCase(.operationsShow, ".show operations"), ParseCase(.operationsShow, ".show operations 3827def6-0773-4f2a-859e-c02cf395deaf"),
    ParseCase(.operationsShow, ".show operations (3827def6-0773-4f2a-859e-c02cf395deaf, 1e5def60-0773-4f2a-859e-c02cf395dea0)"),
    ParseCase(.operationDetailsShow, ".show operation 3827def6-0773-4f2a-859e-c02cf395deaf details"), ParseCase(.queriesShow, ".show queries"),
    ParseCase(.runningQueriesShow, ".show running queries"), ParseCase(.runningQueriesShow, ".show running queries by user 'a@b.c'"),
    ParseCase(.queryCancel, ".cancel query \"K7sVxM91\""), ParseCase(.queryCancel, ".cancel query 'x' with (reason = 'too long')"),
    ParseCase(.commandsShow, ".show commands"), ParseCase(.journalShow, ".show journal"), ParseCase(.databaseJournalShow, ".show database D journal"),
    ParseCase(.ingestionFailuresShow, ".show ingestion failures"),
    ParseCase(.ingestionFailuresShow, ".show ingestion failures with (OperationId = 3827def6-0773-4f2a-859e-c02cf395deaf)"),
    ParseCase(.databaseCacheClear, ".refresh database 'telemetry' table 'my table' cache ingestionbatchingpolicy"),
    ParseCase(.exportContainersShow, ".show export containers"), ParseCase(.exportContainersShow, ".create tempstorage"),
    ParseCase(.databaseCreate, ".create database telemetry"), ParseCase(.databaseCreate, ".create database telemetry ifnotexists"),
    ParseCase(.databaseCreate, ".create database X persist (@'/kustodata/dbs/X/md', @'/kustodata/dbs/X/data')"),
    ParseCase(.databaseCreate, ".create database X persist (h@\"/a/b\") ifnotexists"), ParseCase(.databaseAttach, ".attach database X from @'/a/md'"),
    ParseCase(.databaseDetach, ".detach database X"), ParseCase(.databaseDrop, ".drop database X ifexists"),
    ParseCase(.databasePrettyNameAlter, ".alter database X prettyname 'A name'"), ParseCase(.databasesShow, ".show databases"),
    ParseCase(.databasesShow, ".show cluster databases (A, ['b c'])"), ParseCase(.databaseShow, ".show database"),
    ParseCase(.databaseShow, ".show database X"), ParseCase(.databaseShow, ".show database ['a b'] | project DatabaseName"),
    ParseCase(.extentsDropPredicate, ".drop extents older 10 days from tables (A, B)"), ParseCase(.extentsDropPredicate, ".drop-pretend extents older 10 days from all tables"),
    ParseCase(.extentTagsDrop, ".drop extent tags from table T ('drop-by:Partition000')"),
    ParseCase(.extentTagsDrop, ".drop table T extent tags ('a', 'b') with (extentCreatedOnFrom=datetime(2023-03-10), extentCreatedOnTo=datetime(2023-03-12))"),
    ParseCase(.viewLookbackAlter, ".alter materialized-view V lookback timespan(null)"),
    ParseCase(.databaseDetailsShow, ".show database X details"), ParseCase(.databasesDetailsShow, ".show databases details"),
    ParseCase(.databaseIdentityShow, ".show database identity"), ParseCase(.databasesEntitiesShow, ".show databases entities with (resolveFunctionsSchema=true)"),
    ParseCase(.databaseSchemaShow, ".show database ['db'] schema"), ParseCase(.databaseSchemaShow, ".show database X schema details if_later_than 'v1.1'"),
    ParseCase(.databasesSchemaShow, ".show databases (A if_later_than \"v1.2\", B) schema"), ParseCase(.databaseSchemaAsJsonShow, ".show database X schema as json"),
    ParseCase(.databasesSchemaAsJsonShow, ".show databases (['db']) schema as json"), ParseCase(.clusterSchemaAsJsonShow, ".show schema as json"),
    ParseCase(.databaseSchemaAsCslShow, ".show database schema as csl script"), ParseCase(.databaseCslSchemaShow, ".show database ['X'] cslschema"),
    ParseCase(.tableCreate, ".create table Logs (Level:string, Timestamp:datetime, ['User Id']:string)"),
    ParseCase(.tableCreate, ".create table T(a:int64) with (docstring='a doc', folder=\"f/g\")"), ParseCase(.tableCreateBasedOn, ".create table A based-on B ifnotexists"),
    ParseCase(.tableCreateMerge, ".create-merge table T (a:long)"), ParseCase(.tablesCreate, ".create tables A (a:long), B (b:string) with (folder='x')"),
    ParseCase(.tableAlter, ".alter table T (a:long, b:real)"), ParseCase(.tableAlterMerge, ".alter-merge table T (c:dynamic)"),
    ParseCase(.tableDocStringAlter, ".alter table T docstring \"text\""), ParseCase(.tableFolderAlter, ".alter table T folder 'x'"),
    ParseCase(.columnDocStringsAlter, ".alter table T column-docstrings (a:\"one\", b:\"two\")"), ParseCase(.tableRename, ".rename table A to B"),
    ParseCase(.tablesRename, ".rename tables A=B, B=A"), ParseCase(.tableDrop, ".drop table T ifexists"), ParseCase(.tablesDrop, ".drop tables (A, B) ifexists"),
    ParseCase(.tablesShow, ".show tables"), ParseCase(.tablesShow, ".show tables (A, B)"), ParseCase(.tablesDetailsShow, ".show tables details"),
    ParseCase(.tableDetailsShow, ".show table T details"), ParseCase(.tableCslSchemaShow, ".show table T cslschema"),
    ParseCase(.tableSchemaAsJsonShow, ".show table T schema as json"), ParseCase(.tableDataClear, ".clear async table T data"),
    ParseCase(.tableRecordsDelete, ".delete table T records <| T | where a == 'x'"), ParseCase(.columnRename, ".rename column T.a to b"),
    ParseCase(.columnsRename, ".rename columns a = T.b, b = T.a"), ParseCase(.columnTypeAlter, ".alter column ['T'].['a b'] type=long"),
    ParseCase(.columnDrop, ".drop column D.T.a"), ParseCase(.columnsDrop, ".drop table T columns (a, b)"),
    ParseCase(.functionCreate, ".create function ifnotexists with (docstring='d', folder='f') F(x:long = 1) { T | take x }"),
    ParseCase(.functionCreateOrAlter, ".create-or-alter function F() { let a = 1; print a }"), ParseCase(.functionDrop, ".drop function F ifexists"),
    ParseCase(.functionsDrop, ".drop functions (F, G)"), ParseCase(.functionDocStringAlter, ".alter function F docstring \"x\""),
    ParseCase(.mappingCreate, ".create table T ingestion csv mapping \"m\" '[{\"Name\":\"a\",\"Ordinal\":0}]'"),
    ParseCase(.mappingCreateOrAlter, ".create-or-alter table T ingestion json mapping 'm' '[' '{\"column\":\"a\",\"path\":\"$.a\"}' ']'"),
    ParseCase(.mappingsShow, ".show table T ingestion mappings"), ParseCase(.mappingShow, ".show table T ingestion json mapping 'm'"),
    ParseCase(.mappingDrop, ".drop table T ingestion parquet mapping 'm'"), ParseCase(.dataIngestInline, ".ingest inline into table T <|\nSquare,4\n\"a, b\",'x"),
    ParseCase(.dataIngestInline, ".ingest inline into table T with (format='psv') <| a|b"), ParseCase(.dataIngestInline, ".ingest inline into table T [1,\"x\"]"),
    ParseCase(.dataIngestPull, ".ingest into table T ('https://a/b.csv?sas', h@'/c.csv') with (ignoreFirstRecord=true, tags='[\"drop-by:x\"]')"),
    ParseCase(.dataIngestPull, ".ingest async into table metrics(@\"/a/b.parquet\") with (format=\"parquet\")"), ParseCase(.tableSet, ".set T <| print a = 1"),
    ParseCase(.tableAppend, ".append T with (tags='[\"x\"]') <| U"), ParseCase(.tableSetOrAppend, ".set-or-append async ['T x'] with(distributed=false) <| U | where a > 1"),
    ParseCase(.tableSetOrReplace, ".set-or-replace T <| U"), ParseCase(.dataExportToStorage, ".export async compressed to csv ('/a') with (namePrefix='x', sizeLimit=100) <| T"),
    ParseCase(.dataExportToTable, ".export to table E <| T"), ParseCase(.tableExtentsShow, ".show table T extents hot where tags has 'drop-by:a' and tags !contains 'b'"),
    ParseCase(.extentsMove, ".move extents all from table A to table B"),
    ParseCase(.extentsMove, ".move extents from table A to table B (3827def6-0773-4f2a-859e-c02cf395deaf)"),
    ParseCase(.extentsMoveQuery, ".move extents to table B <| .show table A extents"), ParseCase(.extentsReplace, ".replace extents in table B <| { .show table B extents }, { .show table A extents }"),
    ParseCase(.extentDrop, ".drop extent 3827def6-0773-4f2a-859e-c02cf395deaf from T"), ParseCase(.extentsDropPredicate, ".drop extents older 10 days from T"),
    ParseCase(.extentsDropQuery, ".drop extents whatif <| .show table T extents"), ParseCase(.extentTagsDrop, ".drop table T extent tags ('drop-by:a')"),
    ParseCase(.policyAlterMerge, ".alter-merge table T policy retention softdelete = 10d recoverability = disabled"),
    ParseCase(.policyAlter, ".alter table T policy update @'[{\"IsEnabled\":true,\"Source\":\"S\",\"Query\":\"F()\"}]'"),
    ParseCase(.policyAlter, ".alter table D.T policy row_level_security enable \"T | where a == 1\""), ParseCase(.policyAlter, ".alter table T policy caching hot = 30d, hot_window = datetime(2021-01-01) .. datetime(2021-02-01)"),
    ParseCase(.policyAlter, ".alter table T policy streamingingestion enable"), ParseCase(.policyAlter, ".alter tables (A, B) policy ingestiontime true"),
    ParseCase(.policyAlter, ".alter table T policy roworder (a asc, b desc)"), ParseCase(.policyAlter, ".alter column T.a policy encoding type='Identifier'"),
    ParseCase(.policyShow, ".show table * policy retention"), ParseCase(.policyShow, ".show database policy merge"), ParseCase(.policyShow, ".show cluster policy capacity"),
    ParseCase(.policyDelete, ".delete table T policy auto_delete"),
    ParseCase(.viewCreate, ".create async materialized-view with (backfill=true) V on table T { T | summarize count() by a }"),
    ParseCase(.viewDrop, ".drop materialized-view V"), ParseCase(.viewDisable, ".disable materialized-view V"), ParseCase(.viewsShow, ".show materialized-views"),
    ParseCase(.externalTableCreate, ".create external table E (a:string, b:long) kind=storage partition by (d:datetime = bin(ts, 1d), c:string) pathformat = (\"c=\" c \"/d=\" d) dataformat=parquet (h@'/data;key') with (folder='x')"),
    ParseCase(.externalTablesShow, ".show external tables"), ParseCase(.scriptExecute, ".execute database script with (ContinueOnErrors=true) <|\n.create table A (a:long)\n.show tables"),
    ParseCase(.principalsAdd, ".add database D admins ('aaduser=a@b.c') 'note'"), ParseCase(.principalsSet, ".set table T admins none"),
    ParseCase(.principalsShow, ".show database D principals"), ParseCase(.tablesShow, "// a comment\n  .show tables | where TableName == 'x' | count"),
  ]

  @Test(arguments: cases) func reads(_ item: ParseCase) throws {
    let parsed = CommandParser.parse(item.text)
    #expect(parsed.diagnostics.isEmpty, "\(parsed.diagnostics.map { "\($0.message) \($0.hint ?? "")" })")
    #expect(parsed.command?.kind == item.kind)
  }

  static let mistakes: [MistakeCase] = [
    MistakeCase(".create-or-alter continuous-export E over (T) to table X with (intervalBetweenRuns=1h) <| T", "not supported: .create-or-alter continuous-export"),
    MistakeCase(".create entity_group G (cluster('a').database('b'))", "not supported: .create entity_group"), MistakeCase(".enable plugin autocluster", "not supported: .enable plugin"),
    MistakeCase(".list blobs ('https://a/b')", "not supported: .list blobs"), MistakeCase(".undo drop table T version=v24.3", "not supported: .undo drop"),
    MistakeCase(".purge table T records in database D <| where a == 1", "not supported: .purge"), MistakeCase(".show database cache query_results", "not supported: .show database cache"),
    MistakeCase(".show graph_snapshots G.* statistics", "not supported: .show graph_snapshots statistics"),
    MistakeCase(".shwo tables", "did you mean 'show'"), MistakeCase(".show tabels", "did you mean 'tables'"), MistakeCase(".create table T", "expected"),
    MistakeCase(".create table T (a:strin)", "did you mean 'string'"), MistakeCase(".create table T (a:long, a:long)", "declared twice"),
    MistakeCase(".show operation 12 details", "GUID"), MistakeCase(".drop", "expected"), MistakeCase(".show table T policy retenton", "did you mean 'retention'"),
    MistakeCase(".set-or-append T print 1", "<|"), MistakeCase(".create function F( { }", "expected"), MistakeCase(".show tables where x", "expected"),
    MistakeCase(".create table ['T (a:long)", "quote"), MistakeCase(".create table A (x:long)\n\n.create table B (x:long)", ".execute database script"),
    MistakeCase(".show tables\n  .show tables", "kconnect shell"),
  ]

  @Test(arguments: mistakes) func explains(_ item: MistakeCase) {
    let parsed = CommandParser.parse(item.text)
    #expect(parsed.command == nil)
    let said = parsed.diagnostics.map { "\($0.message) \($0.hint ?? "")" }.joined(separator: "\n")
    #expect(said.contains(item.says), "\(said)")
  }

  /// A pipe or semicolon behind a command is kept with its place.
  @Test func tails() {
    guard case .operators(let offset)? = CommandParser.parse(".show tables | count").command?.tail else {
      Issue.record("no tail")
      return
    }
    #expect(offset == 13)
    guard case .statements? = CommandParser.parse(".show tables; $command_results | count").command?.tail else {
      Issue.record("no statements")
      return
    }
  }
}
