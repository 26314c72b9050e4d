// Role: how far a batch goes: a limit on offsets is split over the partitions in proportion to what waits in each.

package enum RateLimit {
  /// The ends of a batch from `starts` of at most `limit` offsets in all; each partition with something to read gets at least one.
  package static func ends(_ starts: [TopicPartition: Int64], _ latest: [TopicPartition: Int64], limit: Int64) -> [TopicPartition: Int64] {
    var sizes: [TopicPartition: Int64] = [:]
    for (partition, end) in latest {
      let size = end - (starts[partition] ?? end)
      if size > 0 { sizes[partition] = size }
    }
    let total = sizes.values.reduce(0, +)
    guard total > limit else { return latest }
    return Dictionary(
      uniqueKeysWithValues: latest.map { partition, end in
        guard let size = sizes[partition], let start = starts[partition] else { return (partition, end) }
        let share = Double(limit) * Double(size) / Double(total)
        let count = Int64(share < 1 ? share.rounded(.up) : share.rounded(.down))
        return (partition, min(end, start + max(1, count)))
      })
  }
}
