// Role: the bytes of an input front to back, decompressed when they are gzip, zstd or lz4 (by the first bytes, whatever the name says).
// What was read ahead to look at the input can be read again.

import Codecs
package import DataSource

/// A sequential reader. One thread at a time.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class ByteStream: @unchecked Sendable {  // used by one thread at a time, under its owner's lock
  private let file: InputFile
  private var offset = 0
  private var decompressor: StreamDecompressor?
  /// Raw bytes read but not used: `raw[rawStart..<rawEnd]`.
  private let raw: UnsafeMutableRawBufferPointer
  private var rawStart = 0, rawEnd = 0
  private var isAtEnd = false, isFinished = false
  /// Decompressed bytes that come first.
  private var replay: [UInt8] = []
  private var replayed = 0
  /// Bytes taken from the input.
  package private(set) var rawBytesRead = 0

  /// Looks at the first bytes; a regular file is read from its start by `pread`, a stream from where it is.
  package init(_ file: InputFile) throws {
    self.file = file
    unsafe raw = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    try refill()
    let head = unsafe UnsafeRawBufferPointer(rebasing: raw[rawStart..<rawEnd])
    if let format = unsafe StreamFormat.detect(head) { decompressor = try Self.mapped(file) { () throws(CodecError) in try StreamDecompressor(format) } }
  }

  deinit { unsafe raw.deallocate() }

  package var isCompressed: Bool { decompressor != nil }

  /// Puts bytes in front of what comes next.
  package func unread(_ bytes: [UInt8]) {
    replay = bytes + replay[replayed...]
    replayed = 0
  }

  private func refill() throws {
    guard !isAtEnd, rawStart == rawEnd else { return }
    let n: Int
    if file.size != nil {
      n = try unsafe file.pread(into: raw, at: offset)
    } else {
      n = try unsafe file.read(into: raw)
    }
    offset += n
    rawBytesRead += n
    rawStart = 0
    rawEnd = n
    if unsafe n < raw.count { isAtEnd = true }
  }

  private static func mapped<R>(_ file: InputFile, _ body: () throws(CodecError) -> R) throws -> R {
    do { return try body() } catch { throw KConnectError(.formatCorrupt, "'\(file.path)': \(error)", cause: error) }
  }

  /// Fills `target` with the next bytes; fewer only at the end. Throws FORMAT_CORRUPT for damaged compression.
  package func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    if replayed < replay.count {
      let n = min(target.count, replay.count - replayed)
      unsafe replay.withUnsafeBytes { unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[replayed..<replayed + n])) }
      replayed += n
      done = n
      if replayed == replay.count {
        replay = []
        replayed = 0
      }
    }
    while done < target.count, !isFinished {
      try refill()
      if let decompressor {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...])
        let input = unsafe UnsafeRawBufferPointer(rebasing: raw[rawStart..<rawEnd])
        let progress = try Self.mapped(file) { () throws(CodecError) in try unsafe decompressor.feed(input, into: rest) }
        rawStart += progress.consumed
        done += progress.produced
        if isAtEnd, rawStart == rawEnd, progress.produced < rest.count {
          try Self.mapped(file) { () throws(CodecError) in try decompressor.finish() }
          isFinished = true
        }
      } else {
        let n = min(rawEnd - rawStart, target.count - done)
        if n > 0 {
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + n]).copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[rawStart..<rawStart + n]))
        }
        rawStart += n
        done += n
        if isAtEnd, rawStart == rawEnd { isFinished = true }
      }
    }
    return done
  }
}

/// A growing block of bytes, reused between morsels.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class ByteBlock: @unchecked Sendable {  // filled by one thread, then only read until it goes back to its pool
  package private(set) var base: UnsafeMutablePointer<UInt8>
  package private(set) var capacity: Int
  package var count = 0

  package init(capacity: Int) {
    self.capacity = capacity
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + 64)
  }

  deinit { unsafe base.deallocate() }

  package func reserve(_ wanted: Int) {
    guard wanted > capacity else { return }
    let size = max(wanted, capacity * 2)
    let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: size + 64)
    unsafe fresh.update(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = unsafe fresh
    capacity = size
  }

  package var bytes: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: base, count: count) }
  /// The room behind the bytes, at most `n`; grows for it.
  package func room(_ n: Int) -> UnsafeMutableRawBufferPointer {
    reserve(count + n)
    return unsafe UnsafeMutableRawBufferPointer(start: base + count, count: n)
  }
}
