// Role: the configuration file: what it says, and what it says about mistakes, with line and column.

import Settings
import DataSource
import Foundation
import Testing

/// Options of two sources.
private func declarations(_ source: String) throws -> [OptionSpec] {
  switch source {
  case "csv": return [OptionSpec("header", .bool, "Names."), OptionSpec("sep", .string, aliases: ["delimiter"], "Byte."), OptionSpec("old", .string, support: .notSupported("it is gone"), "Gone.")]
  case "kusto": return [OptionSpec("kustoAadAppId", .string, "Who."), OptionSpec("kustoAadAppSecret", .string, isSecret: true, "Secret.")]
  case "kafka": return [OptionSpec("kafka.*", .string, isSecret: true, "Client.")]
  default: throw KConnectError(.usage, "unknown format '\(source)'", hint: "did you mean 'csv'?")
  }
}

private func file(_ text: String, profile: String? = nil) throws -> ConfigurationFile {
  try ConfigurationFile(Array(text.utf8), path: "c.toml", profile: profile, declarations: declarations)
}

@Suite struct ConfigurationTests {
  static let whole = """
    # A comment
    [defaults]
    threads = 2
    format = "csv"
    [profiles.nightly]
    threads = 1
    cluster = "https://help.kusto.windows.net"
    credential = "robot"
    [options.csv]
    header = true
    [credentials.robot]
    kustoAadAppId = "0000"
    kustoAadAppSecret = "env:KCONNECT_TEST_SECRET"
    [tables]
    S = "storms.csv"
    [sources.raw]
    from = "csv:in"
    options.header = false
    [pipelines.events]
    [[pipelines.events.steps]]
    name = "bronze"
    from = "raw"
    to = "parquet:bronze"
    stream = true
    options = { "from.header" = true, to = { compression = "zstd" } }
    [[pipelines.events.steps]]
    from = "parquet:bronze"
    to = "parquet:gold"
    mode = "overwrite"
    query = '''
    summarize n = count() by state
    | top 3 by n'''
    [pipelines.later]
    enabled = false
    steps = [ { from = "a.csv", to = "b.csv" } ]
    """

  @Test func values() throws {
    let plain = try file(Self.whole)
    #expect(plain.defaults == ["threads": "2", "format": "csv"])
    let nightly = try file(Self.whole, profile: "nightly")
    #expect(nightly.defaults["threads"] == "1")
    #expect(nightly.defaults["format"] == "csv")
    #expect(try nightly.options(of: "CSV").map { "\($0.0)=\($0.1)" } == ["header=true"])
    #expect(nightly.tables.map { "\($0.name)=\($0.locator)" } == ["S=storms.csv"])
    #expect(nightly.source("raw")?.from == "csv:in")
    #expect(try nightly.source("raw")?.options.map { try $0.revealed() }.map { "\($0.0)=\($0.1)" } == ["header=false"])
    setenv("KCONNECT_TEST_SECRET", "s3cret", 1)
    #expect(try nightly.defaultCredential().map { "\($0.0)=\($0.1)" } == ["kustoAadAppId=0000", "kustoAadAppSecret=s3cret"])
    #expect(try plain.defaultCredential().isEmpty)
  }

  @Test func pipelines() throws {
    let pipelines = try file(Self.whole).pipelines(named: [])
    #expect(pipelines.map(\.name) == ["events"])
    let steps = try #require(pipelines.first).steps
    #expect(steps.map(\.name) == ["bronze", "step2"])
    #expect(steps[0].isStream && !steps[1].isStream)
    #expect(steps[0].checkpoint == ".kconnect/events/bronze")
    #expect(steps[0]["trigger"] == "available-now")
    #expect(try steps[0].options.map { try $0.revealed() }.map { "\($0.0)=\($0.1)" } == ["from.header=true", "to.compression=zstd"])
    #expect(steps[1]["query"] == "summarize n = count() by state\n| top 3 by n")
    #expect("\(steps[1].place)" == "c.toml:26:1")
    #expect(try file(Self.whole).pipelines(named: ["later"]).map(\.steps.count) == [1])
    let unknown = #expect(throws: KConnectError.self) { try file(Self.whole).pipelines(named: ["evnts"]) }
    #expect(unknown?.hint?.contains("did you mean 'events'?") == true)
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// The start of the message.
    let says: String
    var hints = ""
    var profile: String?
    init(_ name: String, _ text: String, _ says: String, _ hints: String = "", profile: String? = nil) {
      (testDescription, self.text, self.says, self.hints, self.profile) = (name, text, says, hints, profile)
    }
  }

  @Test(arguments: [
    Wrong("section", "\n[default]\n", "c.toml:2:1: unknown section 'default'", "did you mean 'defaults'?"),
    Wrong("key", "[defaults]\n  thread = 2\n", "c.toml:2:3: unknown key 'defaults.thread'", "did you mean 'threads'?"),
    Wrong("key of a profile that is not used", "[profiles.a]\nthread = 2\n", "c.toml:2:1: unknown key 'profiles.a.thread'"),
    Wrong("kind", "[defaults]\nthreads = \"two\"\n", "c.toml:2:1: option 'threads' of 'defaults': found 'two', expected a whole number"),
    Wrong("word", "[defaults]\nformat = \"cvs\"\n", "c.toml:2:1: option 'format'"),
    Wrong("syntax", "[defaults]\nthreads 2\n", "c.toml:2:9: "),
    Wrong("string without end", "[defaults]\nformat = \"csv\n", "c.toml:2:14: "),
    Wrong("key given twice", "[defaults]\nthreads = 1\nthreads = 2\n", "c.toml:3:"),
    Wrong("table given twice", "[defaults]\n[defaults]\n", "c.toml:2:"),
    Wrong("not a table", "defaults = 3\n", "c.toml:1:1: 'defaults' is a whole number, expected a table"),
    Wrong("profile", "[profiles.nightly]\n", "c.toml:1:", "did you mean 'nightly'?", profile: "nightli"),
    Wrong("source", "[options.cvs]\nheader = true\n", "c.toml:1:1: 'options.cvs': unknown format 'cvs'"),
    Wrong("option", "[options.csv]\nhedaer = true\n", "c.toml:2:1: unknown key 'options.csv.hedaer'", "did you mean 'header'?"),
    Wrong("option not done", "[options.csv]\nold = \"x\"\n", "c.toml:2:1: 'options.csv.old': not supported yet: it is gone"),
    Wrong("credential", "[profiles.p]\ncredential = \"robt\"\n[credentials.robot]\n", "c.toml:1:1: unknown credential 'robt'", "did you mean 'robot'?", profile: "p"),
    Wrong("key of a credential", "[credentials.robot]\nkustoAadAppld = \"x\"\n", "c.toml:2:1: unknown key 'credentials.robot.kustoAadAppld'", "did you mean 'kustoAadAppId'?"),
    Wrong("table that is one", "[tables]\nS = [1]\n", "c.toml:2:1: 'tables.S' is an array"),
    Wrong("source without from", "[sources.s]\n", "c.toml:1:1: 'sources.s' has no 'from'"),
    Wrong("pipeline without steps", "[pipelines.p]\n", "c.toml:1:1: 'pipelines.p' has no steps"),
    Wrong("step without to", "[pipelines.p]\n[[pipelines.p.steps]]\nfrom = \"a\"\n", "c.toml:2:1: step 'step1' has no 'to'"),
    Wrong("key of a step", "[[pipelines.p.steps]]\nfrom = \"a\"\nto = \"b\"\nquerry = \"c\"\n", "c.toml:4:1: unknown key 'pipelines.p.steps.querry'", "did you mean 'query'?"),
    Wrong("stream key of another step", "[[pipelines.p.steps]]\nfrom = \"a\"\nto = \"b\"\ntrigger = \"once\"\n", "c.toml:1:1: step 'step1': 'trigger' is for steps with stream = true"),
    Wrong("mode of a stream", "[[pipelines.p.steps]]\nfrom = \"a\"\nto = \"b\"\nstream = true\nmode = \"append\"\n", "c.toml:1:1: step 'step1': 'mode' is for steps without stream = true"),
    Wrong("steps of one name", "[[pipelines.p.steps]]\nname = \"s\"\nfrom = \"a\"\nto = \"b\"\n[[pipelines.p.steps]]\nname = \"s\"\nfrom = \"a\"\nto = \"b\"\n", "c.toml:5:1: 'pipelines.p' has two steps named 's'"),
    Wrong("step name", "[[pipelines.p.steps]]\nname = \"../s\"\nfrom = \"a\"\nto = \"b\"\n", "c.toml:1:1: '../s' cannot be the name of a step"),
    Wrong("inline table", "sources = { s = { from = \"a\", form = 1 } }\n", "c.toml:1:31: unknown key 'sources.s.form'"),
    Wrong("behind a long string", "[sources.s]\nfrom = \"\"\"\na # no comment\n[x]\n\"\"\"\nform = 1\n", "c.toml:6:1: unknown key 'sources.s.form'"),
    Wrong("quoted key", "[sources.\"a.b\"]\nform = 1\n", "c.toml:2:1: unknown key 'sources.a.b.form'"),
    Wrong("zero byte", "[defaults]\n#\u{0}\nthreads = 1\n", "c.toml:2:1: the file holds a zero byte"),
  ]) func mistakes(_ wrong: Wrong) {
    let error = #expect(throws: KConnectError.self) { try file(wrong.text, profile: wrong.profile) }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(wrong.says) == true, "\(error?.message ?? "")")
    #expect(wrong.hints.isEmpty || error?.hint?.contains(wrong.hints) == true, "\(error?.hint ?? "no hint")")
  }

  @Test func notUTF8() {
    let error = #expect(throws: KConnectError.self) { try ConfigurationFile([0x5B, 0xFF], path: "c.toml", declarations: declarations) }
    #expect(error?.message.contains("UTF-8") == true)
  }

  @Test func dottedKeys() throws {
    let options = try file("[options.kafka]\nkafka.client.id = \"me\"\n")
    #expect(try options.options(of: "kafka").map { "\($0.0)=\($0.1)" } == ["kafka.client.id=me"])
  }

  @Test func families() throws {
    let options = try file("[options.kafka]\n\"kafka.sasl.password\" = \"file:/nowhere\"\n")
    let error = #expect(throws: KConnectError.self) { try options.options(of: "kafka") }
    #expect(error?.message.contains("/nowhere") == true)
    #expect(error?.message.hasPrefix("c.toml:2:1:") == true)
  }
}

@Suite struct SecretTests {
  @Test func printsNothing() {
    let secret = Secret("hunter2")
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(describing: secret), String(reflecting: secret), String(describing: [secret]), dumped] { #expect(!text.contains("hunter2"), "\(text)") }
    #expect("\(Secret("env:NAME"))" == "env:NAME")
  }

  @Test func standsElsewhere() throws {
    setenv("KCONNECT_TEST_VALUE", "from the environment", 1)
    #expect(try Secret("env:KCONNECT_TEST_VALUE").reveal() == "from the environment")
    let path = NSTemporaryDirectory() + "kconnect-secret-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("from a file\n".utf8).write(to: URL(fileURLWithPath: path))
    #expect(try Secret("file:" + path).reveal() == "from a file")
    #expect(try Secret("plain").reveal() == "plain")
    #expect(throws: KConnectError.self) { try Secret("env:KCONNECT_TEST_NOT_SET").reveal() }
  }

  /// Only secrets stand in files: a path or an address may begin with `file:`.
  @Test(arguments: [
    ("sourceArchiveDir", "file:///data/archive", "file:///data/archive"), ("sourceArchiveDir", "env:KCONNECT_TEST_PLACE", "/there"),
    ("note", "env:not a name", "env:not a name"), ("note", "env:KCONNECT_TEST_PLACE/x", "env:KCONNECT_TEST_PLACE/x"), ("sas", "env:KCONNECT_TEST_PLACE", "/there"),
    ("myPassword", "file:/nowhere/at/all", nil),
  ] as [(String, String, String?)]) func placesOfOtherOptions(_ option: String, _ text: String, _ expected: String?) throws {
    setenv("KCONNECT_TEST_PLACE", "/there", 1)
    let step = "[[pipelines.p.steps]]\nfrom = \"csv:a\"\nto = \"csv:b\"\noptions = { \(option) = \"\(text)\" }\n"
    let read = try #require(try file(step).pipelines.first?.steps.first?.options.first)
    guard let expected else {
      #expect(throws: KConnectError.self) { try read.revealed() }
      return
    }
    #expect(try read.revealed().1 == expected)
  }

  @Test func readableFileIsNoted() throws {
    let path = NSTemporaryDirectory() + "kconnect-config-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("[credentials.a]\nkustoAadAppSecret = \"hunter2\"\n".utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
    let open = try ConfigurationFile(path: path, declarations: declarations)
    #expect(open.notes.count == 1 && !open.notes[0].contains("hunter2") && open.notes[0].contains("chmod 600"))
    chmod(path, 0o600)
    #expect(try ConfigurationFile(path: path, declarations: declarations).notes.isEmpty)
  }
}

@Suite struct SchemaTests {
  @Test func isJSON() throws {
    let text = ConfigurationSchema.json(sources: ["csv", "kafka"])
    let value = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let properties = try #require(value["properties"] as? [String: Any])
    #expect(Set(properties.keys) == Set(ConfigurationKeys.sections.map(\.name)))
  }
}
