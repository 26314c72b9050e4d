// Values of fixed width: integers, reals, dates, decimals, GUIDs. Dictionary values are converted once and gathered by code.
import CSIMD
package import Columnar

/// One generic body for every fixed-width conversion.
final class FixedValueReader<C: FixedConversion>: ValueReader {
  private typealias Output = C.Output
  private let conversion: C
  private let type: PhysicalType
  private let width: Int
  private var page: FixedDecoder?
  private var codes: HybridDecoder?
  private var dictionary: Buffer<C.Output>?
  private var output = BufferBuilder<C.Output>()
  private let scratch = ScratchBuffer()
  private let codeScratch = ScratchBuffer()
  /// Codes decoded at a time: 8 KiB, so that they stay in the first-level cache.
  private static var codeBlock: Int { 2048 }

  init(_ conversion: C, type: PhysicalType, width: Int) {
    self.conversion = conversion
    self.type = type
    self.width = width
  }

  var shortestRunWorthSkipping: Int { 24 }

  func setDictionary(_ bytes: UnsafeRawBufferPointer, count: Int) throws(ParquetError) {
    var decoder = try FixedDecoder(bytes, encoding: .plain, type: type, width: width)
    let raw = try decoder.next(count, scratch: scratch)
    let values = BufferBuilder<C.Output>(capacity: count)
    try conversion.convert(raw, count, values.appendUninitialized(count))
    dictionary = values.finish()
  }

  func startPage(_ bytes: UnsafeRawBufferPointer, encoding: Encoding) throws(ParquetError) {
    if encoding.isDictionary {
      guard dictionary != nil else { throw .corrupt("dictionary-encoded page without a dictionary") }
      codes = try codeDecoder(bytes)
      page = nil
    } else {
      page = try FixedDecoder(bytes, encoding: encoding, type: type, width: width)
      codes = nil
    }
  }

  func begin(rows: Int) {
    output.removeAll()
    output.reserve(rows)
  }

  func append(values: Int, rows: Int, validity: UnsafePointer<UInt64>?, at position: Int) throws(ParquetError) {
    output.reserve(rows)
    let out = output.pointer + output.count
    if values > 0 {
      if codes != nil {
        try gather(values, out)
      } else if page != nil {
        guard let raw = try page?.next(values, scratch: scratch) else { return }
        try conversion.convert(raw, values, out)
      } else {
        throw .corrupt("values without a page")
      }
    }
    if values < rows, let validity {
      spread(out, rows: rows, values: values, validity, at: position, filler: conversion.filler)
    }
    output.count += rows
  }

  /// Decodes codes block by block and copies the dictionary's values.
  private func gather(_ count: Int, _ out: UnsafeMutablePointer<C.Output>) throws(ParquetError) {
    guard let dictionary else { throw .corrupt("dictionary-encoded page without a dictionary") }
    let block = try codeScratch.reserve(Self.codeBlock * 4).assumingMemoryBound(to: UInt32.self)
    let table = dictionary.pointer
    let limit = dictionary.count
    var done = 0
    while done < count {
      let n = min(Self.codeBlock, count - done)
      try codes?.decodeCodes(block, n, limit: limit)
      let target = out + done
      // SAFETY: decodeCodes checked every code against the dictionary's size.
      for i in 0..<n { target[i] = table[Int(block[i])] }
      done += n
    }
    withExtendedLifetime(dictionary) {}
  }

  func skip(values: Int) throws(ParquetError) {
    if codes != nil { try codes?.skip(values) } else { try page?.skip(values) }
  }

  func finish(validity: Bitmap?) -> ColumnVector { conversion.vector(output.finish(), validity: validity) }
}
