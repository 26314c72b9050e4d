// Role: writes to a store: one object, or the parts of a write below a name. Bytes go to the store while rows are encoded; `commit` makes them visible.

import Columnar
import DataSource

/// Writes rows to one object.
final class ObjectSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only the writer
  private let output: any ObjectOutput
  private let file: OutputFile
  private let writer: any FileWriter
  private var rows = 0
  private var isDone = false

  init(_ output: any ObjectOutput, path: String, makeWriter: (OutputFile) throws -> any FileWriter) throws {
    self.output = output
    file = OutputFile(remote: output, path: path, displayPath: path)
    do { writer = try makeWriter(file) } catch {
      output.abort()
      throw error
    }
  }

  deinit { abort() }

  var preferredChunkRows: Int? { writer.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try writer.encode(chunk) }

  func append(_ chunk: any EncodedChunk) throws {
    try writer.append(chunk)
    rows += chunk.rowCount
  }

  func commit() throws -> WriteSummary {
    do {
      try writer.finish()
      try file.close()
      try output.commit()
    } catch {
      abort()
      throw error
    }
    isDone = true
    return WriteSummary(rows: rows, bytes: file.offset, files: 1)
  }

  func abort() {
    guard !isDone else { return }
    isDone = true
    output.abort()
  }
}

/// The parts of a write below a name. Names are new ones, so that they replace nothing; what an overwrite replaces is removed behind them.
final class ObjectCommit: PartCommit {
  private let place: ObjectPlace
  /// True for objects that go once the new ones stand; nil: none.
  private let isReplaced: ((StoredObject, _ touched: Set<String>) -> Bool)?
  private var outputs: [(name: String, output: any ObjectOutput)] = []
  private var isDone = false

  init(_ place: ObjectPlace, isReplaced: ((StoredObject, Set<String>) -> Bool)?) {
    self.place = place
    self.isReplaced = isReplaced
  }

  func pathForPart(_ name: String) throws -> String { place.shown + "/" + name }

  func makeFile(forPart name: String, target: String, fileSystem: FileSystem) throws -> OutputFile {
    let full = place.path.isEmpty ? name : place.path + "/" + name
    let output = try place.container.output(full, .fail)
    outputs.append((full, output))
    let path = try pathForPart(name)
    return OutputFile(remote: output, path: path, displayPath: path)
  }

  func add(_ part: FinishedPart) throws {}

  func commit() throws -> Bool {
    let old = try isReplaced.map { _ in try place.container.list(place.path.isEmpty ? "" : place.path + "/") } ?? []
    var committed: [String] = []
    for (name, output) in outputs {
      do { try output.commit() } catch {
        for name in committed { try? place.container.remove(name) }
        throw error
      }
      committed.append(name)
    }
    isDone = true
    let touched = Set(committed.map { parentPath($0) })
    for object in old where isReplaced?(object, touched) == true {
      do { try place.container.remove(object.name) } catch let error as KConnectError {
        var error = error
        error.message = "the new objects are in place, but an old one could not be removed: " + error.message
        throw error
      }
    }
    return true
  }

  func abort() {
    guard !isDone else { return }
    isDone = true
    for (_, output) in outputs { output.abort() }
  }
}

extension SinkBuilder {
  /// A write to a place in a store, by the rules of `WriteTarget`: a name with one of the format's extensions is one object, others stand
  /// for the objects below them. Nil when mode `ignore` finds the target.
  func objectSink(_ place: ObjectPlace, _ url: String, _ schema: StructType, _ mode: SaveMode, _ partitionBy: [String], endsInSlash: Bool) throws -> (any TableSink)? {
    let isNamed = FileNames.formatExtension(place.path).map { format.fileExtensions.contains($0) } ?? false
    if isNamed, partitionBy.isEmpty, !endsInSlash {
      let exists = try mode != .overwrite && place.container.find(place.path) != nil
      switch mode {
      case .ignore where exists: return nil
      case .error where exists: throw Self.exists(place.shown)
      case .append where exists:
        throw KConnectError(
          .notSupported, "'\(place.shown)' is one object; not supported yet: appending to an object", hint: "write to a name without extension, where append adds an object, or use mode overwrite")
      default: break
      }
      let output = try place.container.output(place.path, mode == .overwrite ? .replace : .fail)
      return try ObjectSink(output, path: place.shown) { try format.makeWriter($0, schema: schema, options: options) }
    }
    if !partitionBy.isEmpty { _ = try PartitionSplitter(schema: schema, partitionBy: partitionBy) }
    let prefix = place.path.isEmpty ? "" : place.path + "/"
    let present = try place.container.list(prefix)
    let isOccupied = present.contains { object in !object.name.dropFirst(prefix.count).split(separator: "/").contains { FileListing.isHidden(String($0)) } }
    if present.contains(where: { $0.name.dropFirst(prefix.count).hasPrefix("_delta_log/") }) {
      throw KConnectError(.notSupported, "'\(place.shown)' is a Delta table; not supported yet: writing Delta tables in a store of objects")
    }
    var isReplaced: ((StoredObject, Set<String>) -> Bool)?
    var isNew = !isOccupied
    switch mode {
    case .ignore where isOccupied: return nil
    case .error where isOccupied: throw Self.exists(place.shown)
    case .overwrite where isOccupied:
      let foreign = present.first { object in
        let name = lastPathComponent(object.name)
        if FileListing.isHidden(name) || name.hasPrefix("part-") { return false }
        return FileNames.formatExtension(name).map { !format.fileExtensions.contains($0) && !TargetContents.dataExtensions.contains($0) } ?? true
      }
      if let foreign {
        throw KConnectError(
          .alreadyExists, "'\(place.shown)' holds '\(foreign.name)', which is no file of a table: overwrite would delete it", hint: "choose another place, or move that object away")
      }
      let isDynamic = !partitionBy.isEmpty && options.word("partitionOverwriteMode") == "dynamic"
      isNew = !isDynamic
      isReplaced = { object, touched in !isDynamic || touched.contains(parentPath(object.name)) }
    case .append where isOccupied: try checkAppend(url, schema, partitionBy, names: present.map(\.name))
    default: break
    }
    return try parts(ObjectCommit(place, isReplaced: isReplaced), place.shown, schema, partitionBy, isNew: isNew)
  }
}
