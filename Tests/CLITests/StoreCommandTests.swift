// Role: the embedded store at the shell: writes with and without a table, update policies behind a write, and `kconnect store`.

import Foundation
import Testing

@Suite struct StoreCommandTests {
  /// Runs a command that has to succeed, on the place's store.
  private func run(_ arguments: [String], _ place: Place) throws -> String {
    let result = try Program.run(arguments, in: place, environment: ["KCONNECT_STORE": place.file("store")])
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return result.output
  }

  private func query(_ text: String, _ place: Place) throws -> String { try run(["query", text, "--database", "db", "--format", "csv", "--no-header"], place) }

  private func append(_ name: String, _ place: Place, _ more: [String] = []) throws {
    _ = try run(["write", "--from", "csv:\(name)", "--to", "kusto:db.Readings", "--mode", "append", "--quiet"] + more, place)
  }

  @Test func anAppendSaysHowTheTableIsMade() throws {
    let place = try Place()
    try place.write("r.csv", "id,celsius\n1,20.5\n")
    for _ in 0..<2 {
      let result = try Program.run(["write", "--from", "csv:r.csv", "--to", "kusto:db.Readings", "--mode", "append", "--store", "store"], in: place)
      #expect(result.status == 1)
      #expect(result.errors.contains("there is no table 'Readings'") && result.errors.contains("tableCreateOptions=CreateIfNotExist"), "\(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: place.file("store")))
    try append("r.csv", place, ["-o", "tableCreateOptions=CreateIfNotExist"])
    #expect(try query("Readings | project id, celsius", place) == "1,20.5\n")
  }

  /// A comment in front changes nothing, also where there is no store yet.
  @Test(arguments: ["", "// a comment\n", " \r\n// .show\r\n // another\n\t"]) func aCommandBehindAComment(_ comment: String) throws {
    let place = try Place()
    let show = try Program.run(["query", comment + ".show databases"], in: place, environment: ["KCONNECT_STORE": place.file("store")])
    #expect(show.status == 1 && show.errors.contains("there is no store"), "\(show.errors)")
    #expect(!FileManager.default.fileExists(atPath: place.file("store")))
    _ = try run(["query", comment + ".create database X"], place)
    #expect(try run(["query", comment + ".show databases | project DatabaseName", "--format", "csv", "--no-header"], place) == "X\n")
  }

  /// Open tables are descriptors; of these a process takes as many as it may, not the few that a shell gives it.
  @Test func moreTablesThanTheShellAllowsFiles() throws {
    let place = try Place()
    _ = try run(["query", ".create database db"], place)
    try place.write("tables.kql", ".execute database script <|\n" + (0..<100).map { ".create table T\($0) (a:long)\n" }.joined())
    _ = try run(["query", try place.text("tables.kql"), "--database", "db"], place)
    let result = try Program.run(
      ["query", "union T* | count", "--database", "db", "--format", "csv", "--no-header"], in: place, environment: ["KCONNECT_STORE": place.file("store")],
      prefix: ["/bin/sh", "-c", #"ulimit -Sn 64; exec "$@""#, "sh"])
    #expect(result.status == 0 && result.output == "0\n", "\(result.errors)")
  }

  /// Each run is a process of its own; queries of the shell count like others.
  @Test func queriesOfOtherRunsAreShown() throws {
    let place = try Place()
    _ = try run(["query", ".create database db"], place)
    _ = try query(".set T <| range x from 1 to 3 step 1", place)
    #expect(try query("T | where x > 1 | project x = x * 10", place) == "20\n30\n")
    let store = ["KCONNECT_STORE": place.file("store")]
    #expect(try Program.run(["query", "T | extend nosuch + 1", "--database", "db"], in: place, environment: store).status == 1)
    #expect(try Program.run(["query", "T | order by x", "--database", "db", "--output", "nowhere/out.csv"], in: place, environment: store).status == 1)
    let shell = try Program.run(["shell", "--quiet", "--database", "db"], in: place, input: "T | take 1;\nprint 5;\n", environment: store)
    #expect(shell.status == 0, "\(shell.errors)")
    let told = try query(
      ".show queries | project State, Verb = tostring(split(Text, ' ')[2]), Rows = iff(State == 'Failed', 0, tolong(ResultSetStatistics.TablesStatistics[0].RowCount))", place)
    #expect(told == "Completed,\"\",1\nCompleted,take,1\nFailed,order,0\nFailed,extend,0\nCompleted,where,2\n", "\(told)")
  }

  @Test func updatePoliciesFollowAWrite() throws {
    let place = try Place()
    try place.write("r.csv", "id,celsius\n1,20.5\n2,99.0\n3,21.0\n")
    _ = try run(["write", "--from", "csv:r.csv", "--to", "kusto:db.Readings", "--query", "where false", "--quiet"], place)
    _ = try query(".create table Hot (id:int, celsius:real)", place)
    _ = try query(".create table Count (n:long)", place)
    _ = try query(#".alter table Hot policy update @'[{"IsEnabled":true,"Source":"Readings","Query":"Readings | where celsius > 90 | project id = toint(id), celsius","IsTransactional":true}]'"#, place)
    _ = try query(#".alter table Count policy update @'[{"IsEnabled":true,"Source":"Readings","Query":"Readings | count | project n = Count","IsTransactional":false}]'"#, place)
    try append("r.csv", place)
    #expect(try query("Hot", place) == "2,99.0\n")
    #expect(try query("Count", place) == "3\n")
    // A policy that fails takes the rows with it where it is transactional.
    _ = try query(".alter-merge table Hot (room:string)", place)
    let refused = try Program.run(
      ["write", "--from", "csv:r.csv", "--to", "kusto:db.Readings", "--mode", "append", "--store", place.file("store")], in: place)
    #expect(refused.status == 1 && refused.errors.contains("update policy"), "\(refused.errors)")
    #expect(try query("Readings | count", place) == "3\n")
  }

  /// A view never stands without the policies that it has: where these cannot follow it, it keeps its name, or stays.
  @Test(arguments: [("update of scope", ".rename materialized-view V to W"), ("delete", ".drop materialized-view V")])
  func aViewAndItsPoliciesGoTogether(_ change: String, _ command: String) throws {
    let place = try Place()
    _ = try run(["query", ".create database db"], place)
    for text in [
      ".create table T (a:long)", ".set-or-append T <| range a from 1 to 2 step 1", ".create materialized-view with (backfill=true) V on table T { T | summarize count() by a }",
      ".alter materialized-view V policy row_level_security enable \"V | where a == 1\"",
    ] { _ = try query(text, place) }
    let trigger = "create trigger t before \(change) on entry when old.kind = 'policy' begin select raise(abort, 'kept'); end"
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    #expect(system("python3", "-c", script, place.file("store/_kconnect/metadata.sqlite"), trigger) == 0)
    let result = try Program.run(["query", command, "--database", "db"], in: place, environment: ["KCONNECT_STORE": place.file("store")])
    #expect(result.status == 1 && result.errors.contains("kept"), "\(result.errors)")
    #expect(try query("V", place) == "1,1\n")
    #expect(try query(".show materialized-views | project Name", place) == "V\n")
  }

  /// The policy of ingestion times is switched together with the note of when: where that cannot be kept, it stays as it is.
  @Test(arguments: [".alter table T policy ingestiontime false", ".delete table T policy ingestiontime"]) func aPolicyAndItsTimeGoTogether(_ command: String) throws {
    let place = try Place()
    _ = try run(["query", ".create database db"], place)
    _ = try query(".set T <| print a = 1", place)
    _ = try query(".alter table T policy ingestiontime true", place)
    let trigger = "create trigger t before insert on entry when new.kind = 'timeGaps' begin select raise(abort, 'kept'); end"
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    #expect(system("python3", "-c", script, place.file("store/_kconnect/metadata.sqlite"), trigger) == 0)
    let result = try Program.run(["query", command, "--database", "db"], in: place, environment: ["KCONNECT_STORE": place.file("store")])
    #expect(result.status == 1 && result.errors.contains("kept"), "\(result.errors)")
    #expect(try query("T | project isnotnull(ingestion_time())", place) == "true\n")
    #expect(try query(".show table T policy ingestiontime | project Policy has 'true'", place) == "true\n")
  }

  /// A table that the format cannot hold keeps none of the others from being exported.
  @Test func anExportGoesOnBehindATableThatFails() throws {
    let place = try Place()
    _ = try run(["query", ".create database db"], place)
    for table in ["A <| print x = 1", "B <| print d = decimal(1.12345678901234567890123456789)", "C <| print x = 3"] { _ = try query(".set " + table, place) }
    let result = try Program.run(["store", "export", "--to", "out", "--store", "store"], in: place)
    #expect(result.status == 1)
    #expect(result.output.contains("db.A: 1 rows") && !result.output.contains("db.B") && result.output.contains("db.C: 1 rows"), "\(result.output)")
    #expect(result.errors.contains("db.B was not exported: VALUE_INVALID: column 'd'") && result.errors.contains("1 of 3 tables were not exported"), "\(result.errors)")
    #expect(try Program.run(["read", "out/db/C", "--format", "csv", "--no-header"], in: place).output == "3\n")
  }

  @Test func upkeep() throws {
    let place = try Place()
    try place.write("r.csv", "id,celsius\n1,20.5\n2,\n")
    for _ in 0..<5 { try append("r.csv", place, ["-o", "tableCreateOptions=CreateIfNotExist"]) }
    #expect(try query(".show table Readings extents | count", place) == "5\n")
    #expect(try run(["store", "verify"], place).contains("5 extents, 10 rows"))
    #expect(try run(["store", "compact"], place).contains("5 extents of 10 rows became 1"))
    #expect(try run(["store", "gc", "--dry-run"], place).contains("0 items"))
    #expect(try run(["store", "backup", place.file("backup")], place).contains("1 tables, 1 extents"))
    _ = try query(".drop table Readings", place)
    _ = try run(["store", "restore", place.file("backup"), "--store", place.file("again")], place)
    let restored = try Program.run(["query", "Readings | summarize count(), sum(id), countif(isnull(celsius))", "--store", "again", "--format", "csv", "--no-header"], in: place)
    #expect(restored.output == "10,15,5\n", "\(restored.errors)")
    let refused = try Program.run(["store", "restore", "backup", "--store", "again"], in: place)
    #expect(refused.status == 1 && refused.errors.contains("is not empty"), "\(refused.errors)")
    _ = try run(["store", "export", "--to", place.file("out"), "--format", "csv", "--store", place.file("again")], place)
    let files = try FileManager.default.subpathsOfDirectory(atPath: place.file("out")).filter { $0.hasSuffix(".csv") }
    #expect(files.count == 1)
  }
}
