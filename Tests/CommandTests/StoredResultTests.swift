// Role: stored query results as the reference describes them.

import Columnar
import DataSource
import KQL
import KustoStore
import Testing

@Suite struct StoredResultTests {
  @Test func aResultIsKeptAndRead() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| range x from 1 to 100 step 1")
    #expect(try store.run(".set stored_query_result Numbers with (previewCount=3) <| T | where x > 10").rows.count == 3)
    // The rows are those of the moment it was set.
    try store.run(".clear table T data")
    #expect(try store.run("stored_query_result('Numbers') | summarize count(), min(x)").rows == [["90", "11"]])
    #expect(try store.run("stored_query_result('Numbers') | where x between (20 .. 29) | count").rows == [["10"]])
    #expect(try store.run(".show stored_query_results").columns == "StoredQueryResultId:string Name:string DatabaseName:string PrincipalIdentity:string SizeInBytes:long RowCount:long CreatedOn:datetime ExpiresOn:datetime")
    #expect(try store.run(".show stored_query_results Numbers | project Name, RowCount, ExpiresOn - CreatedOn").rows == [["Numbers", "90", "1.00:00:00"]])
    #expect(try store.run(".show stored_query_result Numbers schema").rows == [["Numbers", #"[{"Column":"x","Type":"long"}]"#]])
    #expect(try store.run(".show tables | project TableName").rows == [["T"]])
    let error = #expect(throws: KConnectError.self) { try store.run(".set stored_query_result Numbers <| print 1") }
    #expect(error?.code == .alreadyExists)
    #expect(try store.run(".set-or-replace stored_query_result Numbers with (previewCount=0) <| print y = 'a'").rows == [["a"]])
    #expect(try store.run("stored_query_result('Numbers')").columns == "y:string")
    #expect(try store.run(".drop stored_query_result Numbers | project Name").rows == [["Numbers"]])
    #expect(throws: KConnectError.self) { try store.run("stored_query_result('Numbers')") }
    #expect(try store.executor.store.verify().tables == 1)
  }

  @Test func resultsExpire() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set stored_query_result Short with (expiresAfter=1tick) <| print x = 1")
    #expect(throws: KConnectError.self) { try store.run("stored_query_result('Short')") }
    #expect(try store.run(".show stored_query_results").rows == [])
    try store.run(".set stored_query_result Short <| print x = 2")
    #expect(try store.run("stored_query_result('Short')").rows == [["2"]])
    #expect(try store.executor.store.verify().tables == 1)
    for bad in ["expiresAfter=2d", "expiresAfter=-1h", "previewCount=-1", "expires=1h"] {
      #expect(throws: KConnectError.self) { try store.run(".set stored_query_result Bad with (\(bad)) <| print x = 1") }
    }
  }
}
