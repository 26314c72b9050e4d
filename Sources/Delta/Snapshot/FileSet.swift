// Role: the files of a table in a stable order: that of their first appearance in the log. Replay adds and removes by key.

/// Files by key, in order.
package struct FileSet: Sendable {
  private var slots: [AddFile?] = []
  private var index: [FileKey: Int] = [:]

  package init() {}

  package var count: Int { index.count }

  /// The files in order.
  package var files: [AddFile] { slots.compactMap { $0 } }

  package subscript(_ key: FileKey) -> AddFile? { index[key].flatMap { slots[$0] } }

  /// Adds a file, or replaces what is known of it.
  mutating func add(_ file: AddFile) {
    let key = file.key
    if let at = index[key] {
      slots[at] = file
    } else {
      index[key] = slots.count
      slots.append(file)
    }
  }

  /// Takes a file out; nothing happens when it is not there.
  mutating func remove(_ key: FileKey) {
    guard let at = index.removeValue(forKey: key) else { return }
    slots[at] = nil
    if slots.count > 1024, index.count * 2 < slots.count { compact() }
  }

  private mutating func compact() {
    slots = slots.filter { $0 != nil }
    index.removeAll(keepingCapacity: true)
    for (i, file) in slots.enumerated() { if let file { index[file.key] = i } }
  }
}
