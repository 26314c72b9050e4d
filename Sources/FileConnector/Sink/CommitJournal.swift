// Role: makes the change of many files in an existing directory one event. The journal `_commit-<id>` appears by one rename: that is the
// commit point. It names the files to move out of the staging directory and the files to remove. Our readers see its whole effect at once
// (`FileListing` overlays it); whoever writes next finishes what a dead writer left.
//
// Text form: a line `kconnect-commit 1`, lines `move FROM TO` and `remove NAME` with paths relative to the directory (bytes up to 0x20, `%`
// and 0x7F percent-encoded), a line `end`.

#if canImport(Glibc)
import Glibc
#endif
package import DataSource

/// What a commit does to a directory.
package struct CommitJournal: Sendable, Equatable {
  package struct Move: Sendable, Equatable {
    package var from: String
    package var to: String
  }

  package static let prefix = "_commit-"
  package var identifier: String
  package var moves: [Move]
  package var removals: [String]

  package var fileName: String { Self.prefix + identifier }

  package init(identifier: String, moves: [Move], removals: [String]) {
    self.identifier = identifier
    self.moves = moves
    self.removals = removals
  }

  /// The text form.
  package var text: String {
    var out = "kconnect-commit 1\n"
    for move in moves { out += "move \(Self.escaped(move.from)) \(Self.escaped(move.to))\n" }
    for name in removals { out += "remove \(Self.escaped(name))\n" }
    return out + "end\n"
  }

  private static func escaped(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      if byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "%") {
        let digits = Array("0123456789ABCDEF".utf8)
        out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      } else {
        out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Reads the text form; throws FORMAT_CORRUPT for anything else, also for paths that lead out of the directory.
  package init(identifier: String, text: String, path: String) throws {
    func corrupt(_ line: Int, _ what: String) -> KConnectError {
      KConnectError(.formatCorrupt, "'\(path)' line \(line): \(what)", hint: "this file records an unfinished commit of kconnect; it was edited or damaged")
    }
    self.identifier = identifier
    moves = []
    removals = []
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.first == "kconnect-commit 1" else { throw corrupt(1, "found '\(lines.first?.prefix(40) ?? "")', expected 'kconnect-commit 1'") }
    func inside(_ text: Substring, _ line: Int) throws -> String {
      let name = percentDecoded(text)
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      guard !name.isEmpty, !parts.contains(where: { $0 == ".." || $0.isEmpty || $0 == "." }) else { throw corrupt(line, "the path '\(name.prefix(80))' leads outside") }
      return name
    }
    for (i, line) in lines.enumerated().dropFirst() {
      let words = line.split(separator: " ")
      switch words.first {
      case "move" where words.count == 3: moves.append(Move(from: try inside(words[1], i + 1), to: try inside(words[2], i + 1)))
      case "remove" where words.count == 2: removals.append(try inside(words[1], i + 1))
      case "end": return
      default: throw corrupt(i + 1, "found '\(line.prefix(40))', expected move, remove or end")
      }
    }
    throw corrupt(lines.count, "the end is missing")
  }

  /// The journals standing in a directory, oldest name first; one that vanishes meanwhile is done.
  package static func pending(in directory: String) throws -> [CommitJournal] {
    var out: [CommitJournal] = []
    for name in try DirectoryReader.names(in: directory) where name.hasPrefix(prefix) {
      let path = joinPath(directory, name)
      guard let text = try SmallFile.readText(path) else { continue }
      out.append(try CommitJournal(identifier: String(name.dropFirst(prefix.count)), text: text, path: path))
    }
    return out
  }

  /// Carries out moves and removals; what is done already is skipped. Answers the first errno with its path.
  package func apply(in directory: String, _ fileSystem: FileSystem) -> (path: String, code: Int32)? {
    var touched: Set<String> = [directory]
    for move in moves {
      let from = joinPath(directory, move.from), to = joinPath(directory, move.to)
      guard pathExists(from) else { continue }
      let parent = parentPath(to)
      let made = fileSystem.makeDirectories(parent)
      if made.code != 0 { return (parent, made.code) }
      let code = fileSystem.rename(from, to)
      if code != 0 { return (to, code) }
      touched.insert(parent)
      for created in made.created { touched.insert(parentPath(created)) }
    }
    for path in touched.sorted() {
      let code = fileSystem.syncDirectory(path)
      if code != 0 { return (path, code) }
    }
    return nil
  }

  /// Removes the replaced files, and directories that become empty.
  package func applyRemovals(in directory: String, _ fileSystem: FileSystem) -> (path: String, code: Int32)? {
    for name in removals {
      let path = joinPath(directory, name)
      guard pathExists(path) else { continue }
      let code = fileSystem.remove(path)
      if code != 0 { return (path, code) }
      var parent = parentPath(path)
      while parent.utf8.count > directory.utf8.count, (try? DirectoryReader.names(in: parent).isEmpty) == true {
        if fileSystem.removeDirectory(parent) != 0 { break }
        parent = parentPath(parent)
      }
    }
    return nil
  }

  /// Undoes moves after a failure: files go back to the staging directory. Answers the first errno.
  package func rollBack(in directory: String, _ fileSystem: FileSystem) -> Int32 {
    for move in moves.reversed() {
      let from = joinPath(directory, move.from), to = joinPath(directory, move.to)
      guard !pathExists(from), pathExists(to) else { continue }
      let code = fileSystem.rename(to, from)
      if code != 0 { return code }
    }
    return 0
  }
}
