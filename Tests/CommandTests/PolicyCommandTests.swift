// Role: policies as they are stored: their members, what is checked of the queries in them, and how their failures are told of.

import DataSource
import KustoStore
import Testing

struct PolicyMistake: Sendable, CustomTestStringConvertible {
  var text: String
  var code: KConnectError.Code
  /// A part of the message or hint.
  var says: String
  init(_ text: String, _ code: KConnectError.Code, _ says: String) {
    self.text = text
    self.code = code
    self.says = says
  }
  var testDescription: String { text }
}

@Suite struct PolicyCommandTests {
  @Test(arguments: [
    PolicyMistake(".alter table T policy retention @'{\"SoftDeletePeriodd\":\"3.00:00:00\"}'", .optionUnknown, "did you mean 'SoftDeletePeriod'?"),
    PolicyMistake(".alter-merge table T policy merge @'{\"AllowMerges\":false}'", .optionUnknown, "did you mean 'AllowMerge'?"),
    PolicyMistake(".alter table T policy auto_delete @'{\"ExpiryDate\":\"2100-01-01\",\"Force\":true}'", .optionUnknown, "'Force'"),
    PolicyMistake(".alter table U policy update @'[{\"Source\":\"T\",\"Query\":\"T\",\"Transactional\":true}]'", .optionUnknown, "did you mean 'IsTransactional'?"),
    PolicyMistake(".alter table U policy update @'[{\"Source\":\"T*\",\"Query\":\"T\",\"SourceIsWildCard\":true}]'", .notSupported, "SourceIsWildCard"),
    PolicyMistake(".alter table U policy update @'[{\"Source\":\"T\",\"Query\":\"Nope()\"}]'", .functionNotFound, "function 'Nope' not found"),
  ]) func wrongDocuments(_ mistake: PolicyMistake) throws {
    let store = try CommandSessionTests.store()
    try store.run(".create tables T (a:long), U (a:long)")
    let error = #expect(throws: KConnectError.self) { try store.run(mistake.text) }
    #expect(error?.code == mistake.code)
    #expect("\(error?.message ?? "") \(error?.hint ?? "")".contains(mistake.says))
    #expect(try store.run(".show table U policy update | project Policy").rows == [["null"]])
  }

  @Test func membersAreTakenInAnyCase() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| print a = 1")
    try store.run(".alter table T policy retention @'{\"softDeletePeriod\":\"00:00:00\",\"recoverability\":\"Disabled\"}'")
    #expect(try store.run(".show table T policy retention | project Policy").rows == [["{\"SoftDeletePeriod\":\"00:00:00\",\"Recoverability\":\"Disabled\"}"]])
    #expect(try store.run("T | count").rows == [["0"]])
  }

  /// The example of the reference: whoever is no member is told so when reading, not when the function is made.
  @Test func assertionsWaitForTheQuery() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| print a = 1")
    try store.run(".create-or-alter function RLS() { T | where assert(current_principal_is_member_of('aadgroup=g@c.com') == true, \"You don't have access\") }")
    try store.run(".alter table T policy row_level_security enable 'RLS()'")
    let error = #expect(throws: KConnectError.self) { try store.run("T") }
    #expect(error?.message.contains("You don't have access") == true)
    #expect(throws: KConnectError.self) { try store.run(".create function F() { T | where assert(nope == 1, 'x') }") }
    #expect(throws: KConnectError.self) { try store.run(".create function F() { T | where assert(true) }") }
  }

  @Test func failuresOfUpdatePoliciesSayWhoseTheyAre() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create tables T (a:long), U (a:long)")
    try store.run(".create function F() { T }")
    try store.run(".alter table U policy update @'[{\"IsEnabled\":true,\"Source\":\"T\",\"Query\":\"F()\",\"IsTransactional\":true}]'")
    let failures = ".show ingestion failures | top 1 by FailedOn | project Table, OriginatesFromUpdatePolicy, ErrorCode"
    try store.run(".alter-merge table U (b:long)")
    #expect(throws: KConnectError.self) { try store.run(".ingest inline into table T <| 1") }
    #expect(try store.run(failures).rows == [["T", "true", "UpdatePolicy_QuerySchemaDoesNotMatchTableSchema"]])
    try store.run(".drop function F")
    #expect(throws: KConnectError.self) { try store.run(".ingest inline into table T <| 1") }
    #expect(try store.run(failures).rows == [["T", "true", "UpdatePolicy_BadRequest"]])
    #expect(throws: KConnectError.self) { try store.run(".ingest inline into table T with (tags='x') <| 1") }
    #expect(try store.run(failures).rows == [["T", "false", "BadRequest_MalformedIngestionProperty"]])
    #expect(try store.run("T | count").rows == [["0"]])
  }

  /// The table that rows come to is looked at each time, the others of its database with the first ingestion of a process.
  @Test func retentionFollowsIngestions() throws {
    let store = try CommandSessionTests.store()
    for name in ["A", "B"] { try store.run(".set \(name) with (creationTime='2020-01-01') <| print a = 1") }
    try store.run(".create table C (a:long)")
    // Whoever makes the policy sees it carried out.
    try store.run(".alter-merge database db policy retention softdelete = 365d")
    #expect(try store.run("union A, B | count").rows == [["0"]])
    for name in ["A", "B"] { try store.run(".set-or-append \(name) with (creationTime='2020-01-01') <| print a = 1") }
    #expect(try store.run("union A, B | count").rows == [["0"]])
    // Another process ingests into one table only.
    try store.run(".delete database db policy retention")
    for name in ["A", "B"] { try store.run(".set-or-append \(name) with (creationTime='2020-01-01') <| print a = 1") }
    #expect(try store.run("union A, B | count").rows == [["2"]])
    try store.run(".alter-merge table B policy retention softdelete = 36500d")
    _ = try CommandExecutor(try Store.open(store.path)).execute(".alter-merge cluster policy retention softdelete = 365d", database: "db")
    _ = try CommandExecutor(try Store.open(store.path)).execute(".ingest inline into table C <| 1", database: "db")
    #expect(try store.run("union withsource=t A, B, C | project t | order by t asc").rows == [["B"], ["C"]])
  }
}
