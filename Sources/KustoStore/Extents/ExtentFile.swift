// Role: an extent ⇄ the `add` action that stands for it: what Kusto knows of an extent stands in the action's tags.

import Columnar
import DataSource
import Delta

/// The keys of `add.tags`. Times are ticks of 100 ns since 1970, as decimal text.
enum ExtentKey {
  static let id = "kusto.extentId"
  static let tags = "kusto.tags"
  static let minCreatedOn = "kusto.minCreatedOn"
  static let maxCreatedOn = "kusto.maxCreatedOn"
  /// The ingestion time of all rows; absent where the file has a column of them.
  static let ingestionTime = "kusto.ingestionTime"
  /// `stored` where the file has a column of commit versions of this table.
  static let rowVersions = "kusto.rowVersions"
  static let originalSize = "kusto.originalSize"
}

/// An `add` with what its tags say.
struct ExtentFile: Sendable, Hashable {
  var extent: Extent
  var add: AddFile
  /// Nil: a column of the file.
  var ingestionTime: Int64?
  var hasStoredVersions: Bool

  /// Files without tags (a foreign writer's) become extents with an id made from their name.
  init(_ add: AddFile) throws {
    self.add = add
    let tags = add.tags ?? [:]
    func ticks(_ key: String) -> Int64? { tags[key].flatMap { Int64($0) } }
    let fileName = DeltaPath.canonical(add.path)
    guard let rows = add.numRecords else { throw DeltaError.corrupt("of a store table", "the file '\(add.path)' has no row count in its statistics") }
    let created = ticks(ExtentKey.minCreatedOn) ?? add.modificationTime &* 10_000
    var list: [String] = []
    if let text = tags[ExtentKey.tags] { list = DynamicValue(json: text)?.elements?.compactMap(\.stringValue) ?? [] }
    extent = Extent(
      id: tags[ExtentKey.id].flatMap { GUID($0) } ?? Self.derivedId(fileName), fileName: fileName, rowCount: Int(rows), byteSize: Int(add.size),
      originalSize: ticks(ExtentKey.originalSize).map { Int($0) } ?? Int(add.size), tags: ExtentTags(list), minCreatedOn: created,
      maxCreatedOn: ticks(ExtentKey.maxCreatedOn) ?? created, version: add.defaultRowCommitVersion ?? 0)
    hasStoredVersions = tags[ExtentKey.rowVersions] == "stored"
    ingestionTime = ticks(ExtentKey.ingestionTime)
    if ingestionTime == nil, tags[ExtentKey.id] == nil { ingestionTime = created }
  }

  private static func derivedId(_ name: String) -> GUID {
    var high: UInt64 = 0xCBF2_9CE4_8422_2325, low: UInt64 = 0x9E37_79B9_7F4A_7C15
    for byte in name.utf8 {
      high = (high ^ UInt64(byte)) &* 0x100_0000_01B3
      low = (low ^ high) &* 0x100_0000_01B3
    }
    return GUID(high: high, low: low)
  }

  /// The tags of an `add`.
  static func tags(
    id: GUID, tags: ExtentTags, minCreatedOn: Int64, maxCreatedOn: Int64, ingestionTime: Int64?, hasStoredVersions: Bool, originalSize: Int
  ) -> [String: String] {
    var out = [
      ExtentKey.id: id.description, ExtentKey.minCreatedOn: String(minCreatedOn), ExtentKey.maxCreatedOn: String(maxCreatedOn),
      ExtentKey.originalSize: String(originalSize),
    ]
    if !tags.all.isEmpty { out[ExtentKey.tags] = DynamicValue.array(tags.all.map { .string($0) }).json }
    if let ingestionTime { out[ExtentKey.ingestionTime] = String(ingestionTime) }
    if hasStoredVersions { out[ExtentKey.rowVersions] = "stored" }
    return out
  }

  /// A new random extent id.
  static func newId() -> GUID { GUID(randomIdentifier()) ?? GUID(high: .random(in: .min ... .max), low: .random(in: .min ... .max)) }
}
