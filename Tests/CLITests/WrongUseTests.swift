// Role: wrong uses of the command line: each says what it found, what it expected and what helps, ends with the right code, and leaves nothing.

import Foundation
import Testing

@Suite struct WrongUseTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    let status: Int32
    let parts: [String]
    var input: String?
    var environment: [String: String] = [:]
    var testDescription: String { name }

    init(_ name: String, _ arguments: [String], _ status: Int32, _ parts: [String], input: String? = nil, environment: [String: String] = [:]) {
      self.name = name
      self.arguments = arguments
      self.status = status
      self.parts = parts
      self.input = input
      self.environment = environment
    }
  }

  static let csv = ["-o", "header=true", "-o", "inferSchema=true"]

  static let wrongs: [Wrong] = [
    Wrong("misspelt column in a filter", ["read", "storms.csv", "--filter", "statee == 'TEXAS'"] + csv, 1, ["error[COLUMN_NOT_FOUND]", "'statee'", "1:1", "^^^^^^", "hint:", "'state'"]),
    Wrong("misspelt column in a list", ["read", "storms.csv", "--columns", "state,deths"] + csv, 1, ["error[COLUMN_NOT_FOUND]", "'deths'", "did you mean 'deaths'"]),
    Wrong("misspelt column in a query", ["read", "storms.csv", "--query", "where deaths > 0\n| summarize sum(damag) by state"] + csv, 1, ["'damag'", "2:17", "^^^^^", "'damage'"]),
    Wrong("misspelt option", ["read", "storms.csv", "-o", "haeder=true"], 2, ["error[OPTION_UNKNOWN]", "'haeder'", "did you mean 'header'", "kconnect options csv"]),
    Wrong("option value", ["read", "storms.csv", "-o", "header=maybe"], 2, ["error[OPTION_INVALID]", "'header'", "'maybe'", "true or false"]),
    Wrong("option without value", ["read", "storms.csv", "-o", "header"], 2, ["error[USAGE]", "key=value"]),
    Wrong("misspelt function", ["functions", "geo_point_in_poligon"], 2, ["error[USAGE]", "'geo_point_in_poligon'", "did you mean 'geo_point_in_polygon'"]),
    Wrong("misspelt family", ["functions", "--family", "geospacial"], 2, ["error[USAGE]", "'geospacial'", "did you mean 'geospatial'"]),
    Wrong("misspelt path", ["read", "csv:storm.csv"], 1, ["error[PATH_NOT_FOUND]", "storm.csv", "hint:"]),
    Wrong("misspelt scheme", ["read", "parqet:x"], 2, ["error[USAGE]", "'parqet'", "did you mean 'parquet'"]),
    Wrong("unknown extension", ["read", "notes.xyz"], 2, ["error[USAGE]", "format", "csv:notes.xyz"]),
    Wrong("standard input without a format", ["read", "-"], 2, ["error[USAGE]", "csv:-"]),
    Wrong("misspelt output format", ["read", "storms.csv", "--format", "jsn"], 2, ["error[USAGE]", "'jsn'", "did you mean 'json'"]),
    Wrong("malformed CSV", ["write", "--from", "bad.csv", "--to", "out.parquet", "--schema", "n:long, s:string", "-o", "header=true", "-o", "from.mode=FAILFAST"], 1, ["bad.csv", "line 5", "'four'"]),
    Wrong("truncated Parquet", ["read", "cut.parquet"], 1, ["error[FORMAT_CORRUPT]", "cut.parquet"]),
    Wrong("text as Parquet", ["read", "parquet:storms.csv"], 1, ["error[FORMAT_CORRUPT]", "storms.csv"]),
    Wrong("type mismatch", ["read", "storms.csv", "--filter", "state + 1 > 2"] + csv, 1, ["error[TYPE_MISMATCH]", "string", "^"]),
    Wrong("filter that is no condition", ["read", "storms.csv", "--filter", "deaths + 1"] + csv, 1, ["error[TYPE_MISMATCH]", "bool"]),
    Wrong("unknown function", ["read", "storms.csv", "--query", "extend n = strlenn(state)"] + csv, 1, ["error[FUNCTION_NOT_FOUND]", "'strlenn'", "strlen", "^"]),
    Wrong("syntax", ["read", "storms.csv", "--query", "where deaths >"] + csv, 1, ["error[KQL_SYNTAX]", "^"]),
    Wrong("unknown operator", ["read", "storms.csv", "--query", "where deaths > 0 | sumarize count()"] + csv, 1, ["'sumarize'", "'summarize'", "1:20", "^^^"]),
    Wrong("unknown table", ["query", "strom | count", "--table", "storm=storms.csv"], 1, ["'strom'", "'storm'"]),
    Wrong("table without a name", ["query", "T", "--table", "storms.csv"], 2, ["error[USAGE]", "name=LOCATOR"]),
    Wrong("empty query", ["query"], 2, ["error[USAGE]", "empty"], input: " \n"),
    Wrong("unknown flag", ["read", "storms.csv", "--colums", "a"], 2, ["error[USAGE]", "--colums", "kconnect read --help"]),
    Wrong("unknown command", ["raed", "storms.csv"], 2, ["error[USAGE]", "'raed'", "did you mean 'read'"]),
    Wrong("missing argument", ["write", "--from", "storms.csv"], 2, ["error[USAGE]", "--to"]),
    Wrong("target exists", ["write", "--from", "storms.csv", "--to", "states.csv"], 1, ["error[ALREADY_EXISTS]", "states.csv", "overwrite"]),
    Wrong("unknown mode", ["write", "--from", "storms.csv", "--to", "x.parquet", "--mode", "overwrit"], 2, ["error[USAGE]", "'overwrit'", "did you mean 'overwrite'"]),
    Wrong("schema text", ["read", "storms.csv", "--schema", "a:lonk"], 2, ["error[USAGE]", "character 3", "'lonk'"]),
    Wrong("limit", ["read", "storms.csv", "--limit", "ten"], 2, ["error[USAGE]", "'ten'", "whole number"]),
    Wrong("memory limit", ["read", "storms.csv", "--memory-limit", "lots"], 2, ["error[USAGE]", "'lots'", "512m"]),
    Wrong("threads", ["read", "storms.csv", "--threads", "0"], 2, ["error[USAGE]", "'0'"]),
    Wrong("progress", ["read", "storms.csv", "--progress", "jsno"], 2, ["error[USAGE]", "did you mean 'json'"]),
    Wrong("output directory missing", ["read", "storms.csv", "--output", "no/such/dir/x.csv"], 1, ["error[PATH_NOT_FOUND]", "no/such/dir/x.csv"]),
    Wrong("configuration missing", ["read", "storms.csv", "--config", "none.toml"], 78, ["error[CONFIGURATION]", "none.toml"]),
    Wrong("configuration key", ["read", "storms.csv", "--config", "key.toml"], 78, ["error[CONFIGURATION]", "'defaults.thread'", "did you mean 'threads'"]),
    Wrong("configuration syntax", ["read", "storms.csv", "--config", "syntax.toml"], 78, ["error[CONFIGURATION]", "syntax.toml:2:9"]),
    Wrong("profile", ["read", "storms.csv", "--config", "ok.toml", "--profile", "nightli"], 78, ["error[CONFIGURATION]", "'nightli'", "'nightly'"]),
    Wrong("Delta", ["read", "delta:nowhere"], 1, ["error[PATH_NOT_FOUND]", "nowhere"]),
    Wrong("store", ["read", "kusto:db.table"], 1, ["error[PATH_NOT_FOUND]", "there is no store at 'kustodata'"]),
    Wrong("cluster", ["query", "T", "--cluster", "https://nowhere.invalid"], 75, ["error[HTTP]", "nowhere.invalid"]),
    Wrong("management command without a store", ["query", ".show tables"], 1, ["error[PATH_NOT_FOUND]", "there is no store"]),
    Wrong("stream", ["stream", "--from", "csv:none", "--to", "parquet:b", "--checkpoint", "cp"], 1, ["error[PATH_NOT_FOUND]", "none"]),
    Wrong("stream without checkpoint", ["stream", "--from", "csv:a", "--to", "parquet:b"], 2, ["--checkpoint"]),
    Wrong("serve", ["serve", "--listen", "0.0.0.0:0"], 2, ["error[USAGE]", "0.0.0.0", "--local-identity"]),
    Wrong("source of options", ["options", "parqet"], 2, ["'parqet'", "did you mean 'parquet'"]),
    Wrong("inspect of text", ["inspect", "storms.csv"], 1, ["error[FORMAT_CORRUPT]", "storms.csv"]),
  ]

  @Test(arguments: wrongs) func says(_ wrong: Wrong) throws {
    let place = try Place()
    try place.write("bad.csv", "n,s\n1,a\n2,b\n3,c\nfour,d\n5,e\n")
    try place.write("key.toml", "[defaults]\nthread = 2\n")
    try place.write("syntax.toml", "[defaults]\nthreads 2\n")
    try place.write("ok.toml", "[profiles.nightly]\nthreads = 1\n")
    if wrong.name == "truncated Parquet" {
      #expect(try Program.run(["write", "--from", "storms.csv", "--to", "whole.parquet"], in: place).status == 0)
      let whole = try Data(contentsOf: place.url.appendingPathComponent("whole.parquet"))
      try whole.prefix(whole.count - 20).write(to: place.url.appendingPathComponent("cut.parquet"))
    }
    let before = place.contents
    let result = try Program.run(wrong.arguments, in: place, input: wrong.input, environment: wrong.environment)
    #expect(result.status == wrong.status, "\(result.errors)")
    for part in wrong.parts { #expect(result.errors.contains(part), "no \(part) in: \(result.errors)") }
    #expect(result.errors.hasPrefix("error["), "\(result.errors)")
    #expect(result.output == "", "\(result.output)")
    #expect(place.contents == before)
  }

  @Test func noPermissionToRead() throws {
    let place = try Place()
    try openToAll(place)
    chmod(place.file("storms.csv"), 0o000)
    let result = try Program.run(["read", "storms.csv"], in: place, prefix: ordinaryUser())
    #expect(result.status == 1)
    #expect(result.errors.contains("error[PERMISSION]") && result.errors.contains("storms.csv") && result.errors.contains("hint:"), "\(result.errors)")
  }

  @Test func noPermissionToWrite() throws {
    let place = try Place()
    try openToAll(place)
    try FileManager.default.createDirectory(atPath: place.file("closed"), withIntermediateDirectories: true)
    chmod(place.file("closed"), 0o555)
    defer { chmod(place.file("closed"), 0o755) }
    for arguments in [
      ["write", "--from", "storms.csv", "--to", "closed/out.parquet"], ["write", "--from", "storms.csv", "--to", "parquet:closed/dir"],
      ["read", "storms.csv", "--output", "closed/out.csv"],
    ] {
      let result = try Program.run(arguments, in: place, prefix: ordinaryUser())
      #expect(result.status == 1)
      #expect(result.errors.contains("error[PERMISSION]") && result.errors.contains("closed"), "\(result.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.file("closed")).isEmpty)
  }

  /// A store that the user may only read answers as ever, and tells of the queries that were written down before.
  @Test func noPermissionToWriteToTheStore() throws {
    let place = try Place()
    try openToAll(place)
    let store = ["KCONNECT_STORE": place.file("store")], output = ["--database", "db", "--format", "csv", "--no-header"]
    for text in [".create database db", ".set T <| range x from 1 to 3 step 1", "T | count"] {
      #expect(try Program.run(["query", text, "--database", "db"], in: place, environment: store).status == 0)
    }
    let before = place.contents
    let user = try ordinaryUser()
    if user.isEmpty { #expect(system("chmod", "-R", "a-w", place.file("store")) == 0) }
    defer { system("chmod", "-R", "u+w", place.file("store")) }
    for (text, answer) in [("T | summarize sum(x)", "6\n"), (".show queries | project Text", "T | count\n")] {
      let result = try Program.run(["query", text] + output, in: place, environment: store, prefix: user)
      #expect(result.status == 0 && result.output == answer && result.errors == "", "\(result.errors)")
    }
    #expect(place.contents == before)
  }

  /// What to put in front so that permissions count: nothing for an ordinary user, `setpriv` for root.
  private func ordinaryUser() throws -> [String] {
    if geteuid() != 0 { return [] }
    // The program and its libraries must be reachable for that user.
    try #require(system("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Program.path, "--version") == 0, "cannot run as an ordinary user here")
    return ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
  }

  private func openToAll(_ place: Place) throws { chmod(place.url.path, 0o755) }

  @Test(.enabled(if: geteuid() == 0 && system("sh", "-c", "d=$(mktemp -d) && mount -t tmpfs -o size=1m none $d && umount $d && rmdir $d") == 0, "needs the right to mount a tmpfs"))
  func fullDisk() throws {
    let place = try Place()
    let disk = place.file("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    try #require(system("mount", "-t", "tmpfs", "-o", "size=1m", "none", disk) == 0)
    defer { system("umount", disk) }
    let rows = "range n from 1 to 2000000 step 1 | extend s = strcat('row ', tostring(n * 7919 % 1000003))"
    #expect(try Program.run(["query", rows, "--output", "rows.csv"], in: place).status == 0)
    for arguments in [
      ["query", rows, "--output", "disk/rows.parquet"], ["query", rows, "--output", "disk/rows.csv"], ["query", rows, "--output", "disk/rows.json"],
      ["query", rows, "--output", "disk/rows.md"], ["write", "--from", "rows.csv", "--to", "disk/out.parquet"],
      ["write", "--from", "rows.csv", "--to", "csv:disk/out"], ["write", "--from", "rows.csv", "--to", "disk/out.json"],
    ] {
      let result = try Program.run(arguments, in: place)
      #expect(result.status == 1, "\(arguments)")
      #expect(result.errors.contains("error[DISK_FULL]") && result.errors.contains("hint:"), "\(arguments): \(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == [], "\(arguments)")
    }
  }
}
