// Connection strings: every alias, quoting, contradictions, redaction.

import DataSource
import KustoConnector
import Testing

@Suite struct ConnectionStringTests {
  @Test func everyAliasSetsItsKeyword() throws {
    for keyword in ConnectionStringKeyword.allCases {
      for name in [keyword.rawValue] + keyword.aliases {
        for spelling in [name, name.lowercased(), name.filter { $0 != " " }.uppercased(), " \(name) "] {
          let value = keyword.isBool ? "true" : keyword == .dataSource ? "https://a" : "v"
          let text = keyword == .dataSource ? "\(spelling)=\(value)" : "https://a;\(spelling)=\(value)"
          guard keyword.isSupported else {
            let error = failure { _ = try KustoConnectionString(text) }
            #expect(error.code == .notSupported && error.message.contains(keyword.rawValue), "\(spelling)")
            continue
          }
          let parsed = try KustoConnectionString(text)
          #expect(parsed[keyword] == (keyword.isSecret ? nil : value), "\(spelling)")
          #expect(parsed.secret(keyword)?.reveal() == (keyword.isSecret ? value : nil), "\(spelling)")
        }
      }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let source: String
    var database: String?
    var key: String?
    var testDescription: String { text }
  }

  @Test(arguments: [
    Case(text: "https://c.kusto.windows.net", source: "https://c.kusto.windows.net"),
    Case(text: "https://C.kusto.windows.net/;", source: "https://c.kusto.windows.net"),
    Case(text: "https://c.kusto.windows.net/Sales", source: "https://c.kusto.windows.net", database: "Sales"),
    Case(text: "https://c/My%20DB;Fed=true", source: "https://c", database: "My DB"),
    Case(text: "Data Source=http://localhost:8080;Initial Catalog=db", source: "http://localhost:8080", database: "db"),
    Case(text: "Server=https://[::1]:8443;Database='a;b'", source: "https://[::1]:8443", database: "a;b"),
    Case(text: "https://c;AppClientId=i;AppKey=\"a;b\"\"c=d\"", source: "https://c", key: "a;b\"c=d"),
    Case(text: "https://c;AppClientId=i;AppKey='it''s' ; Tenant=t", source: "https://c", key: "it's"),
    Case(text: "https://c;AppClientId=i;AppKey=a=b==", source: "https://c", key: "a=b=="),
    Case(text: ";;https://c;;AppClientId = i ; AppKey = k ;", source: "https://c", key: "k"),
    Case(text: "https://c;Fed=true;Federated=TRUE", source: "https://c"),
    Case(text: "https://c/db;Database=DB", source: "https://c", database: "DB"),
    Case(text: "mycluster.westeurope", source: "mycluster.westeurope"),
  ])
  func parses(_ testCase: Case) throws {
    let parsed = try KustoConnectionString(testCase.text)
    #expect(parsed.dataSource == testCase.source)
    #expect(parsed.database == testCase.database)
    #expect(parsed.secret(.applicationKey)?.reveal() == testCase.key)
  }

  @Test(arguments: [
    ("", "no 'Data Source'"), ("Fed=true", "no 'Data Source'"), ("https://c;AppKye=x", "unknown keyword 'AppKye'"), ("https://c;Fed=maybe", "expected true or false"),
    ("https://c;AppKey='open", "does not end"), ("https://c;AppKey='a'b", "text behind a quoted value"), ("https://c;stray", "a part without '='"),
    ("https://c;Tenant=a;Tid=b", "given twice"), ("https://c/a;Database=b", "names the database 'a'"), ("https://c/a/b", "expected https://HOST or"),
  ])
  func refuses(_ text: String, _ message: String) {
    let error = failure { _ = try KustoConnectionString(text) }
    #expect(error.code == .configuration && error.message.contains(message), "\(error)")
  }

  @Test func neverShowsSecrets() throws {
    let text = "https://c/db;Fed=true;AppClientId=app;AppKey=HUSH1;Pwd=HUSH2;AppCert=HUSH3;AppToken=HUSH4;UsrToken=HUSH5;Application Certificate Blob=HUSH6"
    let parsed = try KustoConnectionString(text)
    var dumped = ""
    dump(parsed, to: &dumped)
    for shown in ["\(parsed)", String(reflecting: parsed), dumped] { #expect(!shown.contains("HUSH"), "\(shown)") }
    #expect(parsed.description.contains("Application Key=****") && parsed.description.contains("Application Client Id=app"))
    // Contradictions do not show what they are about.
    #expect(!failure { _ = try KustoConnectionString("https://c;AppKey=HUSH1;AppKey=HUSH2") }.description.contains("HUSH"))
    #expect(failure { _ = try KustoConnectionString("https://c;AppKye=x") }.hint?.contains("AppKey") == true)
  }
}
