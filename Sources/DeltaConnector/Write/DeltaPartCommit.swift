// Role: the end of a write to a table: parts are written in place under unique names, which no reader sees, and one commit adds them all.

import Columnar
import DataSource
import Delta
import FileConnector

/// Adds the parts of one write to a table.
final class DeltaPartCommit: PartCommit {
  /// What the write takes out of the table.
  enum Replacement: Sendable {
    case nothing, everything, touchedPartitions
    /// These files, whose other rows are among those written; the commit conflicts with any that brings rows.
    case files([AddFile])

    /// True when the write asks nothing of the rows that are there.
    var isBlind: Bool { if case .nothing = self { true } else { false } }

    var isNothing: Bool {
      switch self {
      case .nothing: true
      case .files(let files): files.isEmpty
      default: false
      }
    }
  }

  private let log: DeltaLog
  private let basis: DeltaSnapshot?
  private let metadata: TableMetadata?
  private let schema: DeltaSchema
  private let partitionFields: [DeltaField]
  private let statisticsFields: [DeltaField]
  private let replaced: Replacement
  private let mode: SaveMode
  private let transaction: AppTransaction?
  private let info: CommitInfo
  private var adds: [AddFile] = []
  private var rows = 0
  private var startedPaths: [String] = []
  /// Names of files that stand in the store of objects.
  private var sent: [String] = []
  private var createdDirectories: [String] = []
  private var touchedDirectories: Set<TextKey> = []
  private var isDone = false

  init(
    log: DeltaLog, basis: DeltaSnapshot?, metadata: TableMetadata?, schema: DeltaSchema, partitionFields: [DeltaField],
    statisticsFields: [DeltaField], replaced: Replacement, mode: SaveMode, transaction: AppTransaction?, info: CommitInfo
  ) {
    self.log = log
    self.basis = basis
    self.metadata = metadata
    self.schema = schema
    self.partitionFields = partitionFields
    self.statisticsFields = statisticsFields
    self.replaced = replaced
    self.mode = mode
    self.transaction = transaction
    self.info = info
  }

  deinit { abort() }

  func pathForPart(_ name: String) throws -> String {
    // The empty log says whose the parts are, should this process die before there is a table.
    if basis == nil, log.origin == nil, startedPaths.isEmpty { createdDirectories += try log.makeDirectories() }
    let path = joinPath(log.path, name)
    let parent = parentPath(path)
    let made = log.fileSystem.makeDirectories(parent)
    createdDirectories += made.created
    for created in made.created { touchedDirectories.insert(TextKey(parentPath(created))) }
    if made.code != 0 { throw SystemError.make("cannot create the directory", parent, made.code) }
    touchedDirectories.insert(TextKey(parent))
    startedPaths.append(path)
    return path
  }

  func add(_ part: FinishedPart) throws {
    guard part.rows > 0 else {
      _ = log.fileSystem.remove(part.path)
      return
    }
    rows += part.rows
    adds.append(
      AddFile(
        path: DeltaPath.encoded(part.name), partitionValues: try partitionValues(part.name), size: Int64(part.bytes),
        modificationTime: DeltaClock.milliseconds, stats: try StatisticsWriter.json(file: part.path, fields: statisticsFields)))
  }

  private static func partition(_ file: AddFile) -> [String: TextKey?] { file.partitionValues.mapValues { $0.map(TextKey.init) } }

  /// The values that the directories of a part stand for, as the log writes them.
  private func partitionValues(_ name: String) throws -> [String: String?] {
    var out: [String: String?] = [:]
    for (directory, field) in zip(name.split(separator: "/"), partitionFields) {
      let text = directory.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).last.map { percentDecoded($0) } ?? ""
      guard text != PartitionText.null else {
        out.updateValue(nil, forKey: field.physicalName)
        continue
      }
      guard let value = field.dataType == .string ? .string(text) : ScalarText.parse(text, as: field.dataType) else {
        throw KConnectError(.internalError, "the partition directory '\(directory)' does not read back as \(field.dataType)")
      }
      out.updateValue(try PartitionValues.text(value, field), forKey: field.physicalName)
    }
    return out
  }

  func commit() throws -> Bool {
    if let origin = log.origin {
      for add in adds {
        let name = DeltaPath.canonical(add.path)
        sent.append(name)
        try origin.send(name, replaces: false)
        _ = log.fileSystem.remove(joinPath(log.path, name))
      }
    }
    for directory in touchedDirectories.map(\.text).sorted() {
      let code = log.fileSystem.syncDirectory(directory)
      if code != 0 { throw SystemError.make("cannot sync", directory, code) }
    }
    createdDirectories += try log.makeDirectories()
    if basis != nil, adds.isEmpty, replaced.isNothing, metadata == nil, transaction == nil {
      isDone = true
      return true
    }
    var wasDone = false
    do {
      _ = try log.commit(actions(on: basis), on: basis) { winners, newest in
        let answer = try rebase(winners, newest)
        if case .done = answer { wasDone = true }
        return answer
      }
    } catch let error as CommitNotDurable {
      isDone = true
      throw error.cause
    }
    if wasDone {
      abort()
      return false
    }
    isDone = true
    return true
  }

  private func rebase(_ winners: [WinningCommit], _ newest: DeltaSnapshot) throws -> Rebase {
    guard let basis else { return try join(newest) }
    if case .files = replaced {
      for winner in winners {
        for case .add(let file) in winner.actions where file.dataChange {
          return .conflict(
            KConnectError(
              .locked, "'\(log.displayPath)': version \(winner.version), committed meanwhile, brought the file '\(file.path)', which may hold the same keys",
              hint: "repeat the write", isRetryable: true))
        }
      }
      return try ConflictCheck.answer(actions(on: basis), basis: basis, winners: winners, path: log.displayPath)
    }
    // What is replaced follows from the newest version, so removals by winners are no conflict.
    let lasting = actions(on: basis).filter { if case .remove = $0 { false } else { true } }
    let answer = try ConflictCheck.answer(lasting, basis: basis, winners: winners, path: log.displayPath, allowsAddedColumns: true)
    if case .retry = answer { return .retry(actions(on: newest)) }
    return answer
  }

  /// The answer when the table that this write was to make is there: rows are added to one that is as this write would have made it.
  private func join(_ newest: DeltaSnapshot) throws -> Rebase {
    if mode == .ignore { return .done }
    if let transaction, let known = newest.transactions[transaction.appId], known.version >= transaction.version { return .done }
    if mode == .append, replaced.isBlind, newest.schema == schema, newest.metadata.partitionColumns == partitionFields.map(\.name) {
      try TableFeatures.checkWritable(newest)
      return .retry(actions(on: newest).filter { if case .metadata = $0 { false } else { true } })
    }
    return .conflict(
      KConnectError(
        .alreadyExists, "'\(log.displayPath)' was created by somebody else meanwhile", hint: mode == .error ? "use mode append or overwrite" : "repeat the write",
        isRetryable: true))
  }

  /// The actions of the commit when `snapshot` is the version before it.
  private func actions(on snapshot: DeltaSnapshot?) -> [DeltaAction] {
    var info = info
    if let snapshot { info["readVersion"] = .long(snapshot.version) }
    info["isBlindAppend"] = .bool(replaced.isBlind)
    let bytes = adds.reduce(0) { $0 + $1.size }
    info["operationMetrics"] = .bag([
      DynamicEntry("numFiles", .string(String(adds.count))), DynamicEntry("numOutputRows", .string(String(rows))),
      DynamicEntry("numOutputBytes", .string(String(bytes))),
    ])
    var out: [DeltaAction] = [.commitInfo(info)]
    if snapshot == nil { out.append(.protocol(TableProtocol())) }
    if let metadata { out.append(.metadata(metadata)) }
    if let transaction { out.append(.transaction(transaction)) }
    let now = DeltaClock.milliseconds
    switch replaced {
    case .nothing: break
    case .files(let files): for file in files { out.append(.remove(file.removal(at: now))) }
    case .everything: for file in snapshot?.adds ?? [] { out.append(.remove(file.removal(at: now))) }
    case .touchedPartitions:
      let touched = Set(adds.map(Self.partition))
      for file in snapshot?.adds ?? [] where touched.contains(Self.partition(file)) { out.append(.remove(file.removal(at: now))) }
    }
    return out + adds.map { .add($0) }
  }

  func abort() {
    guard !isDone else { return }
    isDone = true
    for path in startedPaths { _ = log.fileSystem.remove(path) }
    for name in sent { log.origin?.remove(name) }
    for path in createdDirectories.reversed() { _ = log.fileSystem.removeDirectory(path) }
  }
}
