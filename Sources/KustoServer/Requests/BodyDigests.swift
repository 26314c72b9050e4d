// Role: what a request tells of its body's bytes, compared with those that came.
// Source: Blob service REST API, "Put Blob": Content-MD5, x-ms-content-crc64.

import Columnar
import KustoConnector
import KustoWire

/// The digests that a request tells, worked out as its body comes.
struct BodyDigests {
  private let toldMD5: String?
  private let md5: RunningMD5?
  private let toldCRC64: String?
  private var crc64 = StorageCRC64()

  init(_ request: ServerRequest) throws {
    toldMD5 = request.header("content-md5")
    md5 = toldMD5 == nil ? nil : try RunningMD5()
    toldCRC64 = request.header("x-ms-content-crc64")
  }

  mutating func add(_ part: [UInt8]) throws {
    try md5?.add(part)
    if toldCRC64 != nil { crc64.add(part) }
  }

  /// All bytes have been added. Throws 400 where a digest is another than the request tells.
  func check() throws {
    if let md5, let toldMD5 { try Self.compare(Base64.text(try md5.finish()), toldMD5, "MD5", code: "Md5Mismatch") }
    if let toldCRC64 { try Self.compare(Base64.text(crc64.bytes), toldCRC64, "CRC64", code: "Crc64Mismatch") }
  }

  private static func compare(_ found: String, _ told: String, _ what: String, code: String) throws {
    guard found != told else { return }
    throw WireError(
      status: 400, code: code, type: "KustoBadRequestException", detail: "The \(what) of the body is \(found), the request tells \(told.prefix(80))", isPermanent: true)
  }
}

/// The CRC of 64 bits that Azure Storage uses: reflected, all ones before and after, the polynomial that of CRC-64/NVME.
struct StorageCRC64 {
  private static let table: [UInt64] = (0..<256).map { start in
    var value = UInt64(start)
    for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x9A6C_9329_AC4B_C9B5 }
    return value
  }
  private var value = UInt64.max

  mutating func add(_ bytes: [UInt8]) {
    let table = Self.table
    var value = value
    for byte in bytes { value = value >> 8 ^ table[Int(truncatingIfNeeded: (value ^ UInt64(byte)) & 0xFF)] }
    self.value = value
  }

  /// As they are sent: the lowest comes first.
  var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: ~value >> UInt64(8 * $0)) } }
}
