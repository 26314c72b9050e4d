// Role: one JSON file under construction: rows a line each, or one array; compressed chunk by chunk as members or frames behind each other.

import Codecs
import Columnar
import DataSource
import JSON

/// Encoded rows.
private struct JSONChunk: EncodedChunk {
  let bytes: Buffer<UInt8>
  let rowCount: Int
  var byteCount: Int { bytes.count }
}

final class JSONPartWriter: FileWriter, @unchecked Sendable {  // append/finish by one thread at a time; encode reads constants
  private let file: OutputFile
  private let rows: JSONRowWriter
  private let isArray: Bool
  private let codec: Codec?
  private let level: Int?
  private var isEmpty = true

  init(_ file: OutputFile, schema: StructType, options: JSONWriteOptions, codec: Codec?, level: Int?) {
    self.file = file
    rows = JSONRowWriter(schema: schema, options: options)
    isArray = options.isArray
    self.codec = codec
    self.level = level
  }

  var preferredChunkRows: Int? { nil }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    let out = BufferBuilder<UInt8>(capacity: chunk.reduce(0) { $0 + $1.byteSize * 2 })
    for batch in chunk { rows.append(batch, to: out) }
    // The comma and line end of the last row come when another chunk follows.
    if isArray, out.count >= 2 { out.count -= 2 }
    return JSONChunk(bytes: try compressed(out), rowCount: chunk.reduce(0) { $0 + $1.rowCount })
  }

  // SAFETY: the codec fills at most the `bound` bytes of `target`; `text` is the caller's.
  private func compressed(_ text: BufferBuilder<UInt8>) throws -> Buffer<UInt8> {
    guard let codec else { return text.finish() }
    let context = CodecContext()
    let bound = context.maxCompressedSize(codec, text.count)
    let out = BufferBuilder<UInt8>(capacity: bound)
    let target = unsafe UnsafeMutableRawBufferPointer(start: out.appendUninitialized(bound), count: bound)
    do {
      out.count = try unsafe context.compress(codec, UnsafeRawBufferPointer(start: text.pointer, count: text.count), into: target, level: level)
    } catch { throw KConnectError(.io, "cannot compress: \(error)", cause: error) }
    return out.finish()
  }

  // SAFETY: texts and bytes live for the calls that copy or write them.
  private func put(_ text: String) throws {
    let out = BufferBuilder<UInt8>()
    var text = text
    text.withUTF8 { unsafe out.append(contentsOf: $0) }
    try unsafe compressed(out).withUnsafe { try unsafe file.write(UnsafeRawBufferPointer($0)) }
  }

  func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? JSONChunk else { throw KConnectError(.internalError, "a chunk of another format") }
    if chunk.rowCount == 0 { return }
    if isArray { try put(isEmpty ? "[\n" : ",\n") }
    isEmpty = false
    // SAFETY: the bytes live for the call.
    try unsafe chunk.bytes.withUnsafe { try unsafe file.write(UnsafeRawBufferPointer($0)) }
  }

  func finish() throws {
    if isArray {
      try put(isEmpty ? "[]\n" : "\n]\n")
    } else if isEmpty, codec != nil {
      // A compressed file of no bytes is no compressed file.
      try put("")
    }
  }
}
