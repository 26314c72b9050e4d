// Role: the memory that a request's text and its syntax tree take, within the budget of queries: many large texts at once are refused, not run out of.

import Engine
import KQL

/// What one request has reserved for its text; given back when it is released.
final class TextMemory {
  private let memory: QueryMemory
  private var held = 0
  /// Texts below need no account.
  private static let free = 64 << 10
  /// Measured: tokens, tree and plan of a long list of literals take 44 bytes for each byte of text; the data of a command stays as it is.
  private static let bytesPerByte = (query: 44, command: 4)

  /// - Parameter limit: bytes of one request; nil: the process's.
  init(_ limit: Int?) { memory = QueryMemory(limit: limit) }

  deinit { memory.release(held) }

  /// For a body of so many bytes: itself, its JSON and the text in it. Throws LOW_MEMORY.
  func hold(body bytes: Int) throws { try grow(to: bytes * 3) }

  /// For rows that are ingested from memory. Throws LOW_MEMORY.
  func hold(rows bytes: Int) throws { try grow(to: bytes) }

  /// For a text and what becomes of it. Throws LOW_MEMORY.
  func hold(text: String) throws {
    let bytes = text.utf8.count
    if bytes > Self.free { try grow(to: bytes * (3 + (CommandParser.isCommand(text) ? Self.bytesPerByte.command : Self.bytesPerByte.query))) }
  }

  private func grow(to bytes: Int) throws {
    guard bytes > Self.free, bytes > held else { return }
    // A body comes in many parts: more than is asked for, so that few of them ask again.
    let wanted = (bytes + 0xFFFFF) & ~0xFFFFF
    try memory.require(wanted - held, for: "a request text of that length")
    held = wanted
  }
}
