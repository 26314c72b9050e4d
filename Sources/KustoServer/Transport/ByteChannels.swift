// Role: the two pipes between a connection, which is asynchronous, and the thread that answers a request, which blocks. Both hold little:
// whoever is faster waits.

import Columnar
import DataSource
import KustoStore
import KustoWire
import Synchronization

/// A request's body on its way to the thread: sent by the connection, read by the thread.
final class IncomingBytes: RequestBytes {
  private struct State {
    var parts: [[UInt8]] = []
    var hasEnded = false
    var hasFailed = false
    /// Nobody reads any more.
    var isClosed = false
    var sender: CheckedContinuation<Void, Never>?
  }
  private let state = Monitor(State())
  private static let most = 8

  /// All of the body has come.
  var isWhole: Bool { state.change { $0.hasEnded && !$0.hasFailed } }

  /// What came before anybody could read.
  func preload(_ part: [UInt8]) { if !part.isEmpty { state.change { $0.parts.append(part) } } }

  /// Hands a part over, waiting while the thread is behind. False when nobody wants more.
  func send(_ part: [UInt8]) async -> Bool {
    let isFull = state.change { state in
      if !state.isClosed { state.parts.append(part) }
      return state.parts.count >= Self.most && !state.isClosed
    }
    if isFull {
      await withCheckedContinuation { continuation in
        let goesOn = state.change { state in
          if state.parts.count < Self.most || state.isClosed { return true }
          state.sender = continuation
          return false
        }
        if goesOn { continuation.resume() }
      }
    }
    return !state.change { $0.isClosed }
  }

  /// No more parts; `failed`: the connection broke.
  func end(failed: Bool = false) {
    state.change { state in
      state.hasEnded = true
      state.hasFailed = failed
    }
  }

  /// Nobody reads any more.
  func close() {
    let sender = state.change { state in
      state.isClosed = true
      state.parts = []
      defer { state.sender = nil }
      return state.sender
    }
    sender?.resume()
  }

  func read(until deadline: Int?) throws -> [UInt8]? {
    typealias Step = ([UInt8]?, CheckedContinuation<Void, Never>?)
    func step(_ state: inout State) throws -> Step? {
      if state.parts.isEmpty {
        if state.hasFailed { throw ClientLeft() }
        return state.hasEnded ? (nil, nil) : nil
      }
      defer { state.sender = nil }
      return (state.parts.removeFirst(), state.sender)
    }
    let (part, sender): Step
    if let deadline {
      let left = deadline - Deadlines.now
      guard left > 0, let found = try state.wait(milliseconds: left, step) else { throw WireError.slowBody }
      (part, sender) = found
    } else {
      (part, sender) = try state.wait(step)
    }
    sender?.resume()
    return part
  }
}

/// A reply on its way to the connection: written by the thread, taken by the connection.
final class OutgoingReply: ReplyWriter, Sendable {
  private struct State {
    var head: ReplyHead?
    var parts: [Buffer<UInt8>] = []
    var bytes = 0
    var hasEnded = false
    var hasFailed = false
    /// Where the head waits for the whole of a small body, to leave with it: the body's length.
    var heldFor: Int?
    var headReader: CheckedContinuation<ReplyHead?, Never>?
    var reader: CheckedContinuation<Buffer<UInt8>?, any Error>?
  }
  private let state = Monitor(State())
  /// Bytes that wait for the client at most, beyond one part.
  private static let most = 4 << 20
  /// Bodies up to so many bytes leave together with the head.
  private static let small = 1 << 16
  /// A client that takes nothing for so long has left: its request does not hold a permit any longer.
  private let stallMilliseconds: Int

  init(stallMilliseconds: Int) { self.stallMilliseconds = stallMilliseconds }

  // MARK: The thread's side

  func start(_ head: ReplyHead) throws {
    let reader = try state.change { state -> CheckedContinuation<ReplyHead?, Never>? in
      if state.hasFailed { throw ClientLeft() }
      state.head = head
      if let length = head.length, length > 0, length <= Self.small {
        state.heldFor = length
        return nil
      }
      defer { state.headReader = nil }
      return state.headReader
    }
    reader?.resume(returning: head)
  }

  func write(_ bytes: Buffer<UInt8>) throws {
    if try gathers(bytes) { return }
    let moved = try state.wait(milliseconds: stallMilliseconds) { state -> CheckedContinuation<Buffer<UInt8>?, any Error>?? in
      if state.hasFailed { throw ClientLeft() }
      if let reader = state.reader {
        state.reader = nil
        return .some(reader)
      }
      if state.bytes > Self.most { return nil }
      state.parts.append(bytes)
      state.bytes += bytes.count
      return .some(nil)
    }
    guard let reader = moved else {
      fail()
      throw ClientLeft()
    }
    reader?.resume(returning: bytes)
  }

  /// True when the bytes wait with the head; the head leaves with the last ones.
  private func gathers(_ bytes: Buffer<UInt8>) throws -> Bool {
    let (isHeld, reader, head) = try state.change { state -> (Bool, CheckedContinuation<ReplyHead?, Never>?, ReplyHead?) in
      if state.hasFailed { throw ClientLeft() }
      guard let length = state.heldFor else { return (false, nil, nil) }
      state.parts.append(bytes)
      state.bytes += bytes.count
      if state.bytes < length { return (true, nil, nil) }
      state.heldFor = nil
      defer { state.headReader = nil }
      return (true, state.headReader, state.head)
    }
    if let reader { reader.resume(returning: head) }
    return isHeld
  }

  /// The reply is whole.
  func end() {
    let (headReader, reader, head) = state.change { state in
      state.hasEnded = true
      state.heldFor = nil
      defer {
        state.headReader = nil
        state.reader = nil
      }
      return (state.headReader, state.reader, state.head)
    }
    headReader?.resume(returning: head)
    reader?.resume(returning: nil)
  }

  // MARK: The connection's side

  /// Status and headers; nil when the thread ended without any.
  func head() async -> ReplyHead? {
    await withCheckedContinuation { continuation in
      let known = state.change { state -> ReplyHead?? in
        if let head = state.head, state.heldFor == nil { return head }
        if state.hasEnded { return .some(nil) }
        state.headReader = continuation
        return nil
      }
      if let known { continuation.resume(returning: known) }
    }
  }

  /// The body, when all of it has been written and its length was said before: in one part.
  func takeWhole() -> Buffer<UInt8>? {
    state.change { state -> Buffer<UInt8>? in
      guard let length = state.head?.length, length <= Self.small, state.bytes == length, state.parts.count <= 1 else { return nil }
      let whole = state.parts.first ?? Buffer([])
      state.parts = []
      state.bytes = 0
      return whole
    }
  }

  /// The next part; nil at the end.
  func next() async throws -> Buffer<UInt8>? {
    try await withCheckedThrowingContinuation { continuation in
      let known = state.change { state -> Buffer<UInt8>?? in
        if !state.parts.isEmpty {
          let part = state.parts.removeFirst()
          state.bytes -= part.count
          return part
        }
        if state.hasEnded { return .some(nil) }
        state.reader = continuation
        return nil
      }
      if let known { continuation.resume(returning: known) }
    }
  }

  /// The client went away: the thread learns it with its next write.
  func fail() {
    let (headReader, reader) = state.change { state in
      state.hasFailed = true
      state.parts = []
      state.bytes = 0
      defer {
        state.headReader = nil
        state.reader = nil
      }
      return (state.headReader, state.reader)
    }
    headReader?.resume(returning: nil)
    reader?.resume(throwing: ClientLeft())
  }
}
