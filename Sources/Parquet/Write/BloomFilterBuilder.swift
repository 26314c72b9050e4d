// Split-block bloom filters over the distinct values of a chunk (parquet-format BloomFilter.md).

import Columnar

enum BloomFilterBuilder {
  static func build(_ values: PhysicalValues, plan: EncodingPlan) -> [UInt8]? { nil }
}
