// Role: the option transientStorage: every rule for its addresses, each by one that breaks it.

import DataSource
import KustoConnector
import Testing

@Suite struct TransientStorageTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let credential: String
    /// The rule, as the message names it; nil: it is taken.
    let rule: String?
    var testDescription: String { credential }

    init(_ credential: String, _ rule: String?) {
      self.credential = credential
      self.rule = rule
    }

    static func lake(_ url: String, _ rule: String?) -> Case { Case("{\"oneLakeUrl\":\"\(url)\"}", rule) }
    static func sas(_ url: String, _ rule: String?) -> Case { Case("{\"sasUrl\":\"\(url)\"}", rule) }
  }

  private static let host = "onelake.dfs.fabric.microsoft.com"

  static let cases: [Case] = [
    .lake("https://\(host)/w/i.Lakehouse/Files/x", nil), .lake("https://\(host)/w/i.Lakehouse/Tables", nil), .lake("HTTPS://\(host)/w/i/f/", nil),
    .lake("abfss://w@\(host)/i.Lakehouse/Files/x", nil), .lake("abfs://w@\(host)/i/Files", nil), .lake("https://\(host)/my%20work/i/Files", nil),
    .lake("http://\(host)/w/i/f", "neither https"), .lake("wasbs://w@\(host)/i/f", "neither https"), .lake("file:///w/i/f", "neither https"), .lake("\(host)/w/i/f", "neither https"),
    .lake("https://\(host)/w/i/f?sig=x", "with a query"), .lake("https://\(host)/w/i/f#x", "with a fragment"), .lake("https://\(host):443/w/i/f", "with a port"),
    .lake("https://u@\(host)/w/i/f", "a user before its host"), .lake("https://u:p@\(host)/w/i/f", "a user before its host"), .lake("abfss://w:p@\(host)/i/f", "whose workspace is no name"),
    .lake("abfss://@\(host)/i/f", "whose workspace is no name"), .lake("abfss://\(host)/w/i/f", "without its workspace"), .lake("abfss://a@b@\(host)/i/f", "whose workspace is no name"),
    .lake("https://localhost/w/i/f", "no full name"), .lake("https://onelake/w/i/f", "no full name"), .lake("https://a..b/w/i/f", "no full name"), .lake("https://x.localhost/w/i/f", "no full name"),
    .lake("https://127.0.0.1/w/i/f", "an IP address"), .lake("https://[::1]/w/i/f", "an IP address"), .lake("https://0x7f.1/w/i/f", "an IP address"), .lake("https://169.254.169.254/w/i/f", "an IP address"),
    .lake("https://\(host)/w/i/../f", "'.' or '..'"), .lake("https://\(host)/w/./i/f", "'.' or '..'"), .lake("https://\(host)/w/i/%2e%2E/f", "'.' or '..'"), .lake("https://\(host)/w/i/a%2Fb", "encoded slash"),
    .lake("https://\(host)/w/i/a%5cb", "encoded slash"), .lake("https://\(host)/w//f/x", "an empty part"), .lake("https://\(host)/w/i", "without workspace, item and a directory"),
    .lake("https://\(host)/w/i/a%00b", "control character"), .lake("https://\(host)/w/i/a'b", "characters that an address does not have"), .lake("https://\(host)/w/i/a;impersonate", "characters that an address does not have"),
    .lake("https://\(host)/w/i/a b", "characters that an address does not have"), .lake("", "neither https"),
    Case("{\"oneLakeUrl\":\"https://\(host)/w/i/f\",\"sasUrl\":\"https://a.blob.core.windows.net/c?sig=x\"}", "oneLakeUrl and sasUrl"),
    Case("{\"oneLakeUrl\":\"https://\(host)/w/i/f\",\"blobContainer\":\"c\"}", "oneLakeUrl and blobContainer"),
    Case("{\"oneLakeUrl\":\"https://\(host)/w/i/f\"},{\"sasUrl\":\"https://a.blob.core.windows.net/c?sig=x\"}", "OneLake beside other storage"),
    .sas("https://a.blob.core.windows.net/c?sv=1&sig=x", nil), .sas("https://a.blob.core.windows.net/c;impersonate", nil), .sas("https://a.blob.core.windows.net/c", "without signature"),
    .sas("https://a.blob.core.windows.net/c?sv=1", "without signature"), .sas("http://a.blob.core.windows.net/c?sig=x", "not https"), .sas("https://a.blob.core.windows.net/?sig=x", "https://ACCOUNT"),
    .sas("https://a.blob.core.windows.net/../c?sig=x", "https://ACCOUNT"), .sas("https://a.blob.core.windows.net/%2e%2e/c?sig=x", "https://ACCOUNT"), .sas("https://u@a.blob.core.windows.net/c?sig=x", "https://ACCOUNT"),
    Case("{\"storageAccountName\":\"a\",\"storageAccountKey\":\"a2V5\",\"blobContainer\":\"c\"}", nil),
    Case("{\"storageAccountName\":\"a\",\"storageAccountKey\":\"a2V5\"}", "without blobContainer"), Case("{\"storageAccountName\":\"a\",\"blobContainer\":\"c\"}", "without storageAccountKey"),
    Case("{\"storageAccountName\":\"a\",\"storageAccountKey\":\"no base64!\",\"blobContainer\":\"c\"}", "not Base64"),
    Case("{\"storageAccountName\":\"evil.com/a\",\"storageAccountKey\":\"a2V5\",\"blobContainer\":\"c\"}", "letters, digits"), Case("{}", "neither sasUrl"), Case("null", "no object"),
    Case("{\"sasUrl\":5}", "no text"),
  ]

  @Test(arguments: cases) func rules(_ test: Case) {
    do {
      _ = try TransientStorage(json: "{\"storageCredentials\":[\(test.credential)]}")
      #expect(test.rule == nil)
    } catch let error as KConnectError {
      #expect(error.code == .optionInvalid)
      #expect(test.rule.map { error.message.contains($0) } ?? false, "\(error.message)")
      #expect(!error.description.contains("a2V5") && !error.description.contains("sig=x"))
    } catch { Issue.record("another error: \(error)") }
  }

  @Test(arguments: ["[]", "{}", "{\"storageCredentials\":[]}", "{\"storageCredentials\":[{\"storageAccountName\":\"a\",\"storageAccountKey\":\"a2V5\",\"blobContainer\":\"c\"}],\"endpointSuffix\":\"evil.com/x\"}"])
  func whole(_ json: String) {
    #expect(throws: KConnectError.self) { try TransientStorage(json: json) }
  }
}
