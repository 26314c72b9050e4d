// Role: what was entered before, kept in a file: `$KCONNECT_HISTORY`, else `$XDG_STATE_HOME/kconnect/history`, else `~/.local/state/kconnect/history`.
// One entry per line; line breaks within an entry are written as `\n`, backslashes doubled. The last 2,000 entries are kept.

import DataSource

#if canImport(Glibc)
import Glibc
#endif

struct History {
  private(set) var entries: [String] = []
  private let path: String?
  private static let maximumEntries = 2_000
  /// A file beyond that is written anew with what is kept of it.
  private static let maximumBytes = 1 << 20

  /// Reads the end of the file; without one the history lasts as long as the shell.
  init(path: String? = History.defaultPath) {
    self.path = path
    guard let path, let file = try? InputFile(path: path), let size = file.size, size > 0 else { return }
    let start = max(0, size - Self.maximumBytes)
    // SAFETY: the buffer has the bytes that are asked for; what `pread` filled is declared initialised.
    let read = try? unsafe [UInt8](unsafeUninitializedCapacity: size - start) { buffer, initialized in
      initialized = try unsafe file.pread(into: UnsafeMutableRawBufferPointer(buffer), at: start)
    }
    guard let read else { return }
    // What stands before the first line break belongs to an entry that began earlier.
    let whole = start == 0 ? read[...] : read.drop { $0 != 0x0A }
    let lines = String(decoding: whole, as: UTF8.self).split(separator: "\n").suffix(Self.maximumEntries)
    entries = lines.map { Self.unescaped($0) }
    if size > Self.maximumBytes { shorten(path, to: lines.joined(separator: "\n") + "\n") }
  }

  /// Puts a file of that text in the place of the old one, readable by its owner alone. What fails leaves the old one.
  private func shorten(_ path: String, to text: String) {
    let draft = path + ".tmp"
    // SAFETY: open, write and rename read the zero-terminated or counted bytes during the calls.
    let file = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    var text = text
    let isWhole = text.withUTF8 { bytes in unsafe write(file, bytes.baseAddress, bytes.count) == bytes.count }
    close(file)
    var isPlaced = false
    if isWhole { isPlaced = unsafe rename(draft, path) == 0 }
    if !isPlaced { _ = unsafe unlink(draft) }
  }

  static var defaultPath: String? {
    if let given = Environment.value("KCONNECT_HISTORY") { return given.isEmpty ? nil : given }
    if let state = Environment.value("XDG_STATE_HOME"), !state.isEmpty { return state + "/kconnect/history" }
    return Environment.value("HOME").map { $0 + "/.local/state/kconnect/history" }
  }

  /// Adds an entry unless it repeats the last one; appended to the file at once, readable by its owner alone.
  mutating func add(_ entry: String) {
    guard !entry.isEmpty, entry != entries.last else { return }
    entries.append(entry)
    guard let path else { return }
    makeFolders(of: path)
    // SAFETY: open reads the zero-terminated bridged path during the call.
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    var line = Self.escaped(entry) + "\n"
    // SAFETY: write reads the bytes of `line` during the call.
    line.withUTF8 { bytes in _ = unsafe write(file, bytes.baseAddress, bytes.count) }
    close(file)
  }

  private func makeFolders(of path: String) {
    var made = ""
    for part in path.split(separator: "/").dropLast() {
      made += "/" + part
      // SAFETY: mkdir reads the zero-terminated bridged path during the call.
      unsafe mkdir(made, 0o700)
    }
  }

  static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      default: out.append(character)
      }
    }
    return out
  }

  static func unescaped(_ text: Substring) -> String {
    var out = ""
    var isEscape = false
    for character in text {
      if isEscape {
        out.append(character == "n" ? "\n" : character)
        isEscape = false
      } else if character == "\\" {
        isEscape = true
      } else {
        out.append(character)
      }
    }
    return out
  }
}
