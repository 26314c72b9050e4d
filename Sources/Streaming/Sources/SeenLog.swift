// Role: the source log of a file stream: entry k holds the files of step k. Now and then entries are compacted: `k.compact` holds a horizon and
// all files that are not older than it, and the entries it covers go. What lies behind the horizon may have been read and forgotten.

import Columnar
import DataSource
import Delta

/// Files planned so far. One thread.
struct SeenLog {
  /// Entries between two compactions, which write all files again: more where there are many.
  private var compactEvery: Int { max(10, min(100, seen.count / 1_000)) }
  private let log: NumberedLog
  private let fileSystem: FileSystem
  private let nameOnly: Bool
  /// The files in the log by path (or name).
  private(set) var seen: [TextKey: SeenFile] = [:]
  /// The newest modification time in the log; 0 when there is none.
  private(set) var newestMs: Int64 = 0
  /// Files older than this were forgotten, in this run or an earlier one: one that is not in `seen` may have been read.
  private(set) var horizonMs = Int64.min
  /// The last entry, -1 before the first.
  private(set) var last = -1
  /// Entries that a replay or clean-up may ask for.
  private var recent: [Int: [SeenFile]] = [:]
  private var compactedThrough = -1

  init(_ log: NumberedLog, fileSystem: FileSystem, nameOnly: Bool) throws {
    self.log = log
    self.fileSystem = fileSystem
    self.nameOnly = nameOnly
    for name in try DirectoryReader.names(in: log.directory) {
      if let k = Self.compactNumber(name) { compactedThrough = max(compactedThrough, k) }
    }
    if compactedThrough >= 0 {
      let path = joinPath(log.directory, "\(compactedThrough).compact")
      let body = try SmallFile.read(path).map { try LogText.body($0, path: path) } ?? []
      seen.reserveCapacity(body.count / 64)
      var isFirst = true
      try Self.eachLine(body) { line in
        if isFirst, let horizon = try JSONTree.parse(Array(line), place: path).integer("horizonMs") { horizonMs = Int64(horizon) } else { remember(try SeenFile(line: line, place: path)) }
        isFirst = false
      }
      last = compactedThrough
    }
    for k in try log.numbers() where k > compactedThrough {
      guard let files = try read(k) else { continue }
      guard k == last + 1 else {
        throw KConnectError(.checkpointConflict, "'\(log.directory)': entry \(last + 1) is missing before \(k)", hint: "restore the directory from a copy")
      }
      add(files, as: k)
    }
  }

  private static func eachLine(_ body: ArraySlice<UInt8>, _ use: (ArraySlice<UInt8>) throws -> Void) rethrows {
    var rest = body
    while let end = rest.firstIndex(of: 0x0A) {
      try use(rest[..<end])
      rest = rest[(end + 1)...]
    }
  }

  /// The files of entry k; nil when there is none.
  private func read(_ k: Int) throws -> [SeenFile]? {
    guard let bytes = try SmallFile.read(log.path(k)) else { return nil }
    var files: [SeenFile] = []
    try Self.eachLine(try LogText.body(bytes, path: log.path(k))) { files.append(try SeenFile(line: $0, place: log.path(k))) }
    return files
  }

  /// K for `K.compact`.
  static func compactNumber(_ name: String) -> Int? { name.hasSuffix(".compact") ? Int(name.dropLast(8)) : nil }

  /// The log of a query that has not begun; it cannot be written to.
  static func empty(_ fileSystem: FileSystem, nameOnly: Bool) -> SeenLog { SeenLog(fileSystem, nameOnly: nameOnly) }

  private init(_ fileSystem: FileSystem, nameOnly: Bool) {
    log = NumberedLog(unopened: "", fileSystem)
    self.fileSystem = fileSystem
    self.nameOnly = nameOnly
  }

  private func key(_ path: String) -> TextKey { TextKey(nameOnly ? lastPathComponent(path) : path) }

  private mutating func remember(_ file: SeenFile) {
    seen[key(file.path)] = file
    newestMs = max(newestMs, file.modifiedMs)
  }

  private mutating func add(_ files: [SeenFile], as k: Int) {
    recent[k] = files
    for file in files { remember(file) }
    last = k
  }

  /// True when that path was planned before.
  func contains(_ path: String) -> Bool { seen[key(path)] != nil }

  /// The files of entries first...last. Throws CHECKPOINT_CONFLICT when an entry is gone.
  func files(_ range: ClosedRange<Int>) throws -> [SeenFile] {
    var out: [SeenFile] = []
    for k in range {
      if let files = recent[k] {
        out += files
      } else if let files = try read(k) {
        out += files
      } else {
        throw KConnectError(.checkpointConflict, "'\(log.path(k))' is missing: the files of that batch are not known", hint: "restore it from a copy")
      }
    }
    return out
  }

  /// Makes an entry durable; answers its number.
  mutating func append(_ files: [SeenFile]) throws -> Int {
    let k = last + 1
    try Failpoint.pass("source.before")
    try log.put(k, body: SeenFile.body(files))
    try Failpoint.pass("source.after")
    add(files, as: k)
    return k
  }

  /// Batches up to entry k are done: compacts when due. Files older than the newest by more than `maxAgeMs` are forgotten then; nil: none.
  /// Answers whether any was.
  mutating func done(through k: Int, maxAgeMs: Int64?) throws -> Bool {
    recent = recent.filter { $0.key >= k }
    guard k - compactedThrough >= compactEvery else { return false }
    let known = seen.count
    let open = Set(recent.filter { $0.key > k }.values.joined().map { key($0.path) })
    if let maxAgeMs {
      horizonMs = max(horizonMs, newestMs - maxAgeMs)
      let horizonMs = horizonMs
      seen = seen.filter { open.contains($0.key) || $0.value.modifiedMs >= horizonMs }
    }
    let live = (open.isEmpty ? Array(seen.values) : seen.filter { !open.contains($0.key) }.map(\.value)).sorted(by: SeenFile.isEarlier)
    let head = horizonMs == .min ? "" : DynamicValue.object([("horizonMs", .long(horizonMs))]).json + "\n"
    try Failpoint.pass("compact.before")
    guard try SmallFile.putDurably(LogText.bytes(body: Array(head.utf8) + SeenFile.body(live)), name: "\(k).compact", in: log.directory, fileSystem) else { return seen.count < known }
    try Failpoint.pass("compact.after")
    let covered = compactedThrough
    compactedThrough = k
    // A replay may still ask for entry k; older ones are covered.
    for n in try log.numbers() where n < k { log.remove(String(n)) }
    if covered >= 0 { log.remove("\(covered).compact") }
    return seen.count < known
  }
}
