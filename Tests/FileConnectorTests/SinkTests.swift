// Sinks: save modes, names, partitioned writes, schema drift, and every system call failing or being the last.

import Columnar
import DataSource
import FileConnector
import Glibc
import Testing

private let lines = FileProvider(LinesFormat())

private func rows(_ range: Range<Int>) throws -> RecordBatch {
  try batch("k:long, v:string, day:datetime", range.map { [.long(Int64($0)), $0 % 5 == 0 ? .null(.string) : .string("g\($0 % 3)"), .datetime(Int64($0 % 2) * 864_000_000_000)] })
}

@Suite struct SinkTests {
  @Test func newDirectoryAndModes() throws {
    let s = Scratch()
    let summary = try writeRows(lines, s("out/deep"), [rows(0..<10), rows(10..<20)])
    #expect(summary?.rows == 20 && summary?.files == 1)
    #expect(s.tree.count == 3 && s.tree[2].hasPrefix("out/deep/part-00000-") && s.tree[2].hasSuffix(".lines"))
    #expect(thrown { try writeRows(lines, s("out/deep"), [rows(0..<1)]) }?.code == .alreadyExists)
    #expect(try writeRows(lines, s("out/deep"), [rows(0..<1)], mode: .ignore) == nil)
    try writeRows(lines, s("out/deep"), [rows(20..<30)], mode: .append)
    #expect(try readRows(try openTable(lines, [s("out/deep")])).count == 30)
    try writeRows(lines, s("out/deep"), [rows(0..<3)], mode: .overwrite)
    #expect(try readRows(try openTable(lines, [s("out/deep")])).count == 3)
    #expect(s.tree.count == 3)
    mkdir(s("empty"), 0o755)
    try writeRows(lines, s("empty"), [rows(0..<3)])
    #expect(try readRows(try openTable(lines, [s("empty")])).count == 3)
  }

  @Test func singleFile() throws {
    let s = Scratch()
    try writeRows(lines, s("a/b/x.lines"), [rows(0..<10)])
    #expect(s.tree == ["a/", "a/b/", "a/b/x.lines"])
    #expect(thrown { try writeRows(lines, s("a/b/x.lines"), [rows(0..<1)]) }?.code == .alreadyExists)
    #expect(thrown { try writeRows(lines, s("a/b/x.lines"), [rows(0..<1)], mode: .append) }?.code == .notSupported)
    try writeRows(lines, s("a/b/x.lines"), [rows(0..<4)], mode: .overwrite)
    #expect(try readRows(try openTable(lines, [s("a/b/x.lines")])).count == 4)
    try writeRows(lines, "/dev/null", [rows(0..<4)])
    try writeRows(lines, s("dir.lines/"), [rows(0..<4)])
    #expect(s.tree.contains("dir.lines/"))
    symlink(s("a/b/x.lines"), s("link.lines"))
    try writeRows(lines, s("link.lines"), [rows(0..<5)], mode: .overwrite)
    #expect(try readRows(try openTable(lines, [s("a/b/x.lines")])).count == 5)
  }

  @Test func droppedAndAbortedSinksLeaveNothing() throws {
    let s = Scratch()
    for path in ["out/x", "y.lines"] {
      do {
        let sink = try lines.makeSink(s(path), schema: try rows(0..<1).schema, mode: .error, partitionBy: [], options: makeOptions(lines, [:], .write))
        try sink?.append(try sink!.encode([rows(0..<5)]))
        #expect(!s.tree.isEmpty)
      }
      #expect(s.tree.isEmpty)
    }
    // A dead writer's place is cleaned by the next write, a living one's is not.
    mkdir(s(".0123456789ab.tmp-x"), 0o755)
    s.put(".0123456789ab.tmp-x/part", "1")
    let living = try lines.makeSink(s("x"), schema: try rows(0..<1).schema, mode: .append, partitionBy: [], options: makeOptions(lines, [:], .write))
    try writeRows(lines, s("x"), [rows(0..<5)], mode: .append)
    #expect(s.tree.filter { $0.hasPrefix(".") && !$0.contains("/part") }.count == 1)
    #expect(thrown { _ = try living?.commit() }?.code == .alreadyExists)
    #expect(s.tree.filter { $0.hasPrefix(".") }.isEmpty)
  }

  @Test func maxRecords() throws {
    let s = Scratch()
    let summary = try writeRows(lines, s("x"), [rows(0..<25), rows(25..<50)], options: ["maxRecordsPerFile": "10"])
    #expect(summary?.files == 6 || summary?.files == 5)
    let read = try readRows(try openTable(lines, [s("x")]), columns: ["k"])
    #expect(read == (0..<50).map { [.long(Int64($0))] })
  }

  @Test(arguments: [["day"], ["v"], ["day", "v"], ["k"]]) func partitionRoundTrip(_ keys: [String]) throws {
    let s = Scratch()
    let batches = [try rows(0..<40), try rows(40..<100)]
    try writeRows(lines, s("x"), batches, partitionBy: keys, options: ["maxOpenPartitions": "2"])
    let table = try openTable(lines, [s("x")])
    let read = try readRows(table, columns: ["k", "v", "day"])
    let wanted = batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } }
    #expect(Set(read) == Set(wanted) && read.count == wanted.count)
    try writeRows(lines, s("x"), [try rows(100..<103)], mode: .append, partitionBy: keys)
    #expect(try readRows(try openTable(lines, [s("x")])).count == 103)
    #expect(thrown { try writeRows(lines, s("x"), [try rows(0..<1)], mode: .append) }?.code == .schemaMismatch)
  }

  @Test func dynamicOverwrite() throws {
    let s = Scratch()
    try writeRows(lines, s("x"), [try batch("k:long, v:string", [[.long(1), .string("a")], [.long(2), .string("b")]])], partitionBy: ["v"])
    try writeRows(
      lines, s("x"), [try batch("k:long, v:string", [[.long(3), .string("b")], [.long(4), .string("c")]])], mode: .overwrite, partitionBy: ["v"],
      options: ["partitionOverwriteMode": "dynamic"])
    #expect(try Set(readRows(try openTable(lines, [s("x")]))) == [[.long(1), .string("a")], [.long(3), .string("b")], [.long(4), .string("c")]])
  }

  @Test func partitionNamesAreEncoded() throws {
    let s = Scratch()
    let odd = ["a/b", "a=b", "50%", "x y", "ü", "", "..", "\n"]
    try writeRows(lines, s("x"), [try batch("k:long, v:string", odd.enumerated().map { [.long(Int64($0)), .string($1)] })], partitionBy: ["v"])
    let read = try readRows(try openTable(lines, [s("x")]), columns: ["k", "v"])
    #expect(Set(read) == Set(odd.enumerated().map { [.long(Int64($0)), $1.isEmpty ? .null(.string) : .string($1)] }))
    let bad = thrown { try writeRows(lines, s("y"), [try rows(0..<1)], partitionBy: ["dya"]) }
    #expect(bad?.code == .columnNotFound && bad?.hint == "did you mean 'day'?")
    #expect(thrown { try writeRows(lines, s("y"), [try rows(0..<1)], partitionBy: ["k", "v", "day"]) }?.code == .usage)
  }

  @Test func driftAndForeignFiles() throws {
    let s = Scratch()
    try writeRows(lines, s("x"), [try batch("k:int, v:string", [[.int(1), .string("a")]])])
    let drift = thrown { try writeRows(lines, s("x"), [try batch("k:long, w:string", [[.long(1), .string("a")]])], mode: .append) }
    #expect(drift?.code == .schemaMismatch && drift?.message.contains("'k' is int there, long here; 'v' (string) is missing here; 'w' (string) is new") == true)
    try writeRows(lines, s("x"), [try batch("k:long, w:string", [[.long(2), .string("b")]])], mode: .append, options: ["mergeSchema": "true"])
    #expect(try readRows(try openTable(lines, [s("x")], options: ["mergeSchema": "true"])).count == 2)
    #expect(thrown { try writeRows(lines, s("x"), [try batch("k:string", [[.string("q")]])], mode: .append, options: ["mergeSchema": "true"]) }?.code == .schemaMismatch)
    s.put("home/thesis.docx", "years of work")
    #expect(thrown { try writeRows(lines, s("home"), [try rows(0..<1)], mode: .overwrite) }?.code == .alreadyExists)
    #expect(s.tree.contains("home/thesis.docx"))
    s.put("d/_delta_log/0.json", "{}")
    #expect(thrown { try writeRows(lines, s("d"), [try rows(0..<1)], mode: .overwrite) }?.code == .notSupported)
  }

  // MARK: Faults

  enum Shape: String, Sendable, CaseIterable { case newFile, replaceFile, newDirectory, append, appendPartitions, replace, replaceInside, dynamic }

  /// Prepares what stands before, answers the write and how many rows are visible before and after it.
  private func scenario(_ shape: Shape, _ s: Scratch, _ provider: FileProvider) throws -> (path: String, before: Int?, after: Int, write: () throws -> Void) {
    let path = shape == .newFile || shape == .replaceFile ? s("t/x.lines") : s("t/x")
    let keys = shape == .appendPartitions || shape == .dynamic ? ["v"] : []
    let old = try batch("k:long, v:string", (0..<6).map { [.long($0), .string("g\($0 % 3)")] })
    let new = try batch("k:long, v:string", (10..<15).map { [.long($0), .string("g\($0 % 2 + 1)")] })
    let options = ["maxRecordsPerFile": "2", "partitionOverwriteMode": shape == .dynamic ? "dynamic" : "static"]
    var before: Int? = 6
    switch shape {
    case .newFile, .newDirectory:
      before = nil
      mkdir(s("t"), 0o755)
    default: try writeRows(lines, path, [old], partitionBy: keys)
    }
    // A directory that is a mount point or has an unwritable parent is replaced from inside; an exchange that fails leads there too.
    let mode: SaveMode =
      switch shape {
      case .newFile, .newDirectory: .error
      case .append, .appendPartitions: .append
      default: .overwrite
      }
    let after =
      switch shape {
      case .append, .appendPartitions: 11
      case .dynamic: 7
      default: 5
      }
    return (path, before, after, { try writeRows(provider, path, [new], mode: mode, partitionBy: keys, options: options) })
  }

  private func visible(_ path: String) throws -> Int? {
    do { return try readRows(try openTable(lines, [path])).count } catch let error as KConnectError where error.code == .pathNotFound { return nil }
  }

  /// The scenario's file system: for `replaceInside` exchanges fail as they do where they do not exist.
  private func faulty(_ plan: FaultPlan, _ shape: Shape) -> FileSystem {
    let inner = plan
    if shape != .replaceInside { return inner.fileSystem }
    let counted = inner.fileSystemFault
    return FileSystem { operation, path in operation == .exchange ? EINVAL : counted(operation, path) }
  }

  @Test(arguments: Shape.allCases, [ENOSPC, EIO]) func everyCallFailing(_ shape: Shape, _ code: Int32) throws {
    var k = 1
    var reported = 0
    while true {
      let s = Scratch()
      let plan = FaultPlan(failAt: k, code: code)
      let (path, before, after, write) = try scenario(shape, s, FileProvider(LinesFormat(), fileSystem: faulty(plan, shape)))
      let error = thrown(write)
      if plan.calls < k {
        #expect(error == nil)
        #expect(try visible(path) == after)
        break
      }
      let seen = try visible(path)
      if let error {
        reported += 1
        #expect([.diskFull, .io].contains(error.code), "\(error)")
        let isAfterCommit = error.message.contains("in place") || error.message.contains("complete") || error.message.contains("may not survive")
        #expect(seen == (isAfterCommit ? after : before), "\(shape) call \(k) \(String(describing: plan.failed)): \(error)")
      } else {
        // Clean-up calls may fail silently.
        #expect(seen == after, "\(shape) call \(k) \(String(describing: plan.failed))")
      }
      // The next write works and clears everything away.
      try write0(shape, s)
      #expect(s.tree.filter { $0.contains("tmp-") || $0.contains("_temporary") || $0.contains("_commit") }.isEmpty, "\(shape) call \(k): \(s.tree)")
      k += 1
      if k > 500 { Issue.record("no end of calls"); break }
    }
    #expect(reported > 5)
  }

  private func write0(_ shape: Shape, _ s: Scratch) throws {
    let path = shape == .newFile || shape == .replaceFile ? s("t/x.lines") : s("t/x")
    let keys = shape == .appendPartitions || shape == .dynamic ? ["v"] : []
    try writeRows(lines, path, [try batch("k:long, v:string", [[.long(1), .string("z")]])], mode: .overwrite, partitionBy: keys)
    #expect(try visible(path) == 1)
  }

  @Test(arguments: Shape.allCases) func everyCallTheLast(_ shape: Shape) throws {
    var k = 1
    while true {
      let s = Scratch()
      let plan = FaultPlan(failAt: k, code: EIO, isCrash: true)
      let (path, before, after, write) = try scenario(shape, s, FileProvider(LinesFormat(), fileSystem: faulty(plan, shape)))
      _ = thrown(write)
      if plan.calls < k { break }
      let seen = try visible(path)
      #expect(seen == before || seen == after, "\(shape) crash at \(k): \(String(describing: seen)) \(s.tree)")
      try writeRows(lines, path + (path.hasSuffix(".lines") ? "" : "/"), [try batch("k:long, v:string", [[.long(1), .string("z")]])], mode: .ignore, partitionBy: shape == .appendPartitions || shape == .dynamic ? ["v"] : [])
      try write0(shape, s)
      #expect(s.tree.filter { $0.contains("tmp-") || $0.contains("_temporary") || $0.contains("_commit") }.isEmpty, "\(shape) crash at \(k): \(s.tree)")
      k += 1
      if k > 500 { Issue.record("no end of calls"); break }
    }
  }
}
