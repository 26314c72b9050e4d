// Role: what a directory sink keeps of a query's batches: `_kconnect/<query>/<batch>.json` lists the files of a batch and makes it done. Those of
// whole blocks of batches that lie far behind stand in one file, `<first>-<last>.jsonl`, a line for each.

package import Columnar
package import DataSource

/// The manifests of one query.
package struct BatchManifests {
  let directory: String
  let fileSystem: FileSystem
  /// Batches of one file.
  private let block: Int
  /// So many of the newest batches have files of their own, more than ever run again.
  private let own: Int

  package init(_ directory: String, _ fileSystem: FileSystem, block: Int = 1_000, own: Int = 100) {
    self.directory = directory
    self.fileSystem = fileSystem
    self.block = block
    self.own = own
  }

  /// The manifests of a query in a directory of batches.
  static func place(in directory: String, queryId: String) -> String { joinPath(joinPath(directory, "_kconnect"), queryId) }

  private func name(_ batch: Int) -> String { "\(batch).json" }

  func has(_ batch: Int) -> Bool { pathExists(joinPath(directory, name(batch))) }

  /// Makes a batch done.
  package func put(_ batch: Int, _ manifest: DynamicValue) throws {
    _ = try SmallFile.putDurably(Array(manifest.json.utf8), name: name(batch), in: directory, fileSystem)
  }

  /// The batches that have files of their own; the newest of all is among them.
  package func batches() throws -> [Int] {
    guard pathKind(directory) == .directory else { return [] }
    return try DirectoryReader.names(in: directory).compactMap { $0.hasSuffix(".json") ? Int($0.dropLast(5)) : nil }
  }

  /// Once for each block, when the batch after it that says so is done: puts the manifests of the blocks behind into one file each. What fails, or a
  /// crash leaves half done, a later block does. A block that has its file already has all its manifests in it.
  package func gather(after batch: Int) {
    let behind = batch - own
    guard behind > 0, behind % block == 0, let known = try? batches() else { return }
    for (number, members) in Dictionary(grouping: known.filter { $0 < behind }.sorted(), by: { $0 / block }) {
      do {
        var lines: [UInt8] = []
        for member in members {
          guard let line = try SmallFile.read(joinPath(directory, name(member))) else { continue }
          lines += line + [0x0A]
        }
        _ = try SmallFile.putDurably(lines, name: "\(number * block)-\((number + 1) * block - 1).jsonl", in: directory, fileSystem)
      } catch { return }
      for member in members { _ = fileSystem.remove(joinPath(directory, name(member))) }
    }
  }
}
