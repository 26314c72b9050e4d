// Role: the blobs of queued ingestion as files under the store: whole, or put together from blocks.
//
//   <store>/_kconnect/ingest/<container>~<name>                  a blob (percent-encoded; of a long name its begin and a hash)
//   <store>/_kconnect/ingest/~name~<container>~<name>            the whole of a long name
//   <store>/_kconnect/ingest/block~<container>~<hash>~<block>    a block that is in no blob yet
//   <store>/_kconnect/ingest/received-…                          bytes on their way

import DataSource
import KustoStore
import KustoWire

#if canImport(Glibc)
import Glibc
#endif

/// A blob by container and name.
struct BlobName: Sendable, Hashable {
  var container: String
  /// May hold slashes.
  var name: String

  /// From a path `/account/container/name…`, percent-encoded; nil for other paths.
  init?(_ path: String) {
    let parts = path.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
    guard parts.count == 3, parts[0].lowercased() == BlobStore.account else { return nil }
    container = percentDecoded(parts[1])
    name = percentDecoded(parts[2])
    guard !name.isEmpty, !name.utf8.contains(0), StorageAccount.isContainerName(container) else { return nil }
  }

  /// The name of its file.
  fileprivate var file: String { container + "~" + Self.fileName(name, most: 160, keeps: 100) }
  /// The name of the file that holds its name, where its own does not.
  fileprivate var nameFile: String? { percentEncoded(name).utf8.count > 160 ? BlobStore.namePrefix + file : nil }
  /// The name of the file of one of its blocks: whole ids, the container in clear, so that nobody's block is another's.
  fileprivate func file(block id: String) -> String { BlobStore.blockPrefix + container + "~" + Self.hash(name) + "~" + Self.fileName(id, most: 100, keeps: 60) }

  /// A text as a name of a file; long ones are told apart by a hash of 128 bits.
  private static func fileName(_ text: String, most: Int, keeps: Int) -> String {
    let encoded = percentEncoded(text)
    return encoded.utf8.count <= most ? encoded : encoded.prefix(keeps) + "~" + hash(text)
  }

  private static func hash(_ text: String) -> String {
    var low: UInt64 = 0xcbf2_9ce4_8422_2325, high: UInt64 = 0x8422_2325_cbf2_9ce4
    for byte in text.utf8 {
      low = (low ^ UInt64(byte)) &* 0x100_0000_01b3
      high = (high ^ low) &* 0x9E37_79B9_7F4A_7C15
    }
    return String(low, radix: 16) + String(high, radix: 16)
  }
}

/// What is known of a blob.
struct BlobFacts: Sendable {
  var size: Int
  /// Seconds since 1970.
  var modified: Int64
  /// Another one for each content.
  var tag = ""
}

final class BlobStore: Sendable {
  /// The account in addresses; the name that storage libraries know as a local one.
  static let account = "devstoreaccount1"

  /// What names of files begin with that are no blobs; no container is called so.
  static let blockPrefix = "block~", namePrefix = "~name~"

  let directory: String

  /// A block of a blob.
  struct Block: Sendable {
    var id: String
    var size: Int
  }

  /// The blocks of the blobs that were put together last.
  private struct Lists {
    var blocks: [BlobName: (tag: String, blocks: [Block])] = [:]
    var order: [BlobName] = []
    var count = 0

    mutating func forget(_ blob: BlobName) {
      guard let known = blocks.removeValue(forKey: blob) else { return }
      count -= known.blocks.count
      order.removeAll { $0 == blob }
    }
  }
  private let lists = Guarded(Lists())
  private static let keptBlobs = 256, keptBlocks = 100_000

  init(store: Store) throws {
    directory = joinPath(joinPath(store.path, "_kconnect"), "ingest")
    let (_, code) = FileSystem.system.makeDirectories(directory)
    try SystemError.check(code, "cannot create", directory)
    // Nobody finishes what another process was receiving.
    for name in try DirectoryReader.names(in: directory) where name.hasPrefix("received-") { _ = FileSystem.system.remove(joinPath(directory, name)) }
  }

  private func place(_ blob: BlobName) -> String { joinPath(directory, blob.file) }

  /// Where a blob is about to stand. A name that its file's name cannot hold is written down first, so that it is listed.
  func placeForNew(_ blob: BlobName) throws -> String {
    guard blob.name.utf8.count <= 1_024 else { throw KConnectError(.usage, "the blob's name has \(blob.name.utf8.count) bytes, 1024 are the most") }
    if let file = blob.nameFile, pathKind(joinPath(directory, file)) == .missing {
      let whole = try ReceivedFile(directory, extension: "name")
      try whole.append(Array(blob.name.utf8))
      try whole.sync()
      try whole.close()
      try move(whole, to: joinPath(directory, file))
    }
    return place(blob)
  }

  private func place(_ blob: BlobName, block: String) throws -> String {
    guard !block.isEmpty, block.utf8.count <= 128 else { throw KConnectError(.usage, "the block id has \(block.utf8.count) bytes, expected 1 to 128") }
    return joinPath(directory, blob.file(block: block))
  }

  /// The file of a blob. Throws PATH_NOT_FOUND.
  func path(of blob: BlobName) throws -> String {
    let path = place(blob)
    guard pathKind(path) == .file else { throw KConnectError(.pathNotFound, "there is no blob '\(blob.name)' in '\(blob.container)'") }
    return path
  }

  func facts(_ blob: BlobName) throws -> BlobFacts { Self.facts(try path(of: blob)) }

  private static func facts(_ path: String) -> BlobFacts {
    var info = stat()
    // SAFETY: stat fills `info` during the call.
    guard unsafe stat(path, &info) == 0 else { return BlobFacts(size: 0, modified: 0) }
    let parts = [UInt64(info.st_ino), UInt64(bitPattern: Int64(info.st_mtim.tv_sec)), UInt64(info.st_mtim.tv_nsec), UInt64(info.st_size)]
    return BlobFacts(
      size: Int(info.st_size), modified: Int64(info.st_mtim.tv_sec), tag: "\"0x" + parts.map { String($0, radix: 16, uppercase: true) }.joined(separator: "-") + "\"")
  }

  /// Makes received bytes the blob; durable when it returns. `replaces` off: throws ALREADY_EXISTS where there is one.
  func put(_ received: ReceivedFile, as blob: BlobName, replaces: Bool = true) throws { try move(received, to: placeForNew(blob), replaces: replaces) }

  /// Keeps received bytes until a list makes them part of the blob.
  func putBlock(_ received: ReceivedFile, _ block: String, of blob: BlobName) throws { try move(received, to: place(blob, block: block)) }

  private func move(_ received: ReceivedFile, to path: String, replaces: Bool = true) throws {
    let code = FileSystem.system.rename(received.path, path, replaces ? .replace : .noReplace)
    if code == EEXIST { throw KConnectError(.alreadyExists, "the blob exists already") }
    try SystemError.check(code, "cannot put the blob", path)
    received.keep()
    try SystemError.check(FileSystem.system.syncDirectory(directory), "cannot sync", directory)
  }

  /// Puts blocks together in the order of the list. Throws PATH_NOT_FOUND for blocks that were not put, 413 when they are more than `limit` bytes.
  func putBlockList(_ blocks: [String], of blob: BlobName, limit: Int, replaces: Bool = true) throws {
    let paths = try blocks.map { block in
      let path = try place(blob, block: block)
      guard pathKind(path) == .file else { throw KConnectError(.pathNotFound, "there is no block '\(block.prefix(80))' of the blob '\(blob.name)'") }
      return path
    }
    var total = 0
    for path in paths {
      total += Self.facts(path).size
      if total > limit { throw WireError.tooLarge(limit) }
    }
    let whole = try ReceivedFile(directory, extension: "blob")
    for path in paths { try Self.copy(path) { try whole.append($0) } }
    try whole.sync()
    try whole.close()
    let list = zip(blocks, paths).map { Block(id: $0, size: Self.facts($1).size) }
    try put(whole, as: blob, replaces: replaces)
    let tag = try facts(blob).tag
    lists.withLock { lists in
      lists.forget(blob)
      lists.blocks[blob] = (tag, list)
      lists.order.append(blob)
      lists.count += list.count
      while lists.order.count > Self.keptBlobs || lists.count > Self.keptBlocks { lists.forget(lists.order[0]) }
    }
    for path in paths { _ = FileSystem.system.remove(path) }
  }

  /// The blocks that a blob was put together from, in order; empty for blobs that came whole, and for those of long ago. Throws PATH_NOT_FOUND.
  func committedBlocks(of blob: BlobName) throws -> [Block] {
    let tag = try facts(blob).tag
    return lists.withLock { lists in lists.blocks[blob].flatMap { $0.tag == tag ? $0.blocks : nil } ?? [] }
  }

  /// Reads a part of a file in pieces.
  static func copy(_ path: String, from start: Int = 0, count: Int = Int.max, _ body: ([UInt8]) throws -> Void) throws {
    try copy(try InputFile(path: path), from: start, count: count, body)
  }

  static func copy(_ file: InputFile, from start: Int = 0, count: Int = Int.max, _ body: ([UInt8]) throws -> Void) throws {
    let end = min(file.size ?? 0, count == Int.max ? Int.max : start + count)
    var at = start
    while at < end {
      let wanted = min(1 << 18, end - at)
      // SAFETY: the buffer has `wanted` bytes; what `pread` filled is declared initialised.
      let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
        initialized = try unsafe file.pread(into: UnsafeMutableRawBufferPointer(buffer), at: at)
      }
      if bytes.isEmpty { return }
      try body(bytes)
      at += bytes.count
    }
  }

  /// Removes a blob; false when there is none.
  @discardableResult
  func remove(_ blob: BlobName) -> Bool {
    guard FileSystem.system.remove(place(blob)) == 0 else { return false }
    if let file = blob.nameFile { _ = FileSystem.system.remove(joinPath(directory, file)) }
    return true
  }

  /// The names of a container's blobs, sorted.
  func names(container: String, prefix: String) throws -> [(name: String, facts: BlobFacts)] {
    let files = try DirectoryReader.names(in: directory)
    let long = Set(files.filter { $0.hasPrefix(Self.namePrefix + container + "~") }.map { $0.dropFirst(Self.namePrefix.utf8.count) })
    return try files.compactMap { file in
      guard file.hasPrefix(container + "~") else { return nil }
      let path = joinPath(directory, file)
      let whole = long.contains(file[...]) ? try SmallFile.readText(joinPath(directory, Self.namePrefix + file)) : nil
      let name = whole ?? percentDecoded(file.dropFirst(container.utf8.count + 1))
      return name.hasPrefix(prefix) ? (name, Self.facts(path)) : nil
    }
  }

  /// Removes blobs and blocks that nobody wrote to for so many seconds.
  func removeOld(olderThan seconds: Int) {
    let limit = StoreClock.nowTicks / 10_000_000 - Int64(seconds)
    for name in (try? DirectoryReader.names(in: directory)) ?? [] {
      let path = joinPath(directory, name)
      // What users keep in containers of their own stays.
      let isOwn = [IngestionQueues.container + "~", Self.blockPrefix, "."].contains { name.hasPrefix($0) } || IngestionQueues.isExportContainer(name.prefix { $0 != "~" })
      let isNameOfNothing = name.hasPrefix(Self.namePrefix) && pathKind(joinPath(directory, String(name.dropFirst(Self.namePrefix.utf8.count)))) == .missing
      if isOwn || isNameOfNothing, Self.facts(path).modified < limit { _ = FileSystem.system.remove(path) }
    }
  }
}
