// Role: a consumer or producer handle of librdkafka, and its errors as ours. The library is loaded when the first client is made.

import CKafka
import Columnar
import DataSource

/// One handle. Used by one thread at a time; the library's own threads do the network's work.
// SAFETY: owns the handle until deinit; every pointer that a call hands out is copied before the next call.
@safe final class KafkaClient: @unchecked Sendable {  // the handle is thread-safe; callers take turns
  private let handle: OpaquePointer

  enum Role { case consumer, producer }

  /// Throws OPTION_UNKNOWN and OPTION_INVALID for settings the library refuses, NOT_SUPPORTED where it is not installed.
  init(_ role: Role, _ settings: [(name: String, value: String)]) throws {
    try KafkaClient.load()
    let conf = unsafe ckafka_conf_new()
    do { for (name, value) in settings { try unsafe KafkaClient.set(conf, name, value) } } catch {
      unsafe ckafka_conf_destroy(conf)
      throw error
    }
    var text = [CChar](repeating: 0, count: 512)
    guard let client = unsafe ckafka_client_new(role == .producer, conf, &text, text.count) else {
      unsafe ckafka_conf_destroy(conf)
      throw KConnectError(.optionInvalid, "Kafka: \(KafkaClient.text(text))", hint: "look at the kafka.* options")
    }
    unsafe handle = client
  }

  deinit { unsafe ckafka_client_destroy(handle) }

  private static func load() throws {
    guard ckafka_load() else {
      let why = unsafe String(cString: ckafka_load_error())
      throw KConnectError(.notSupported, "Kafka needs librdkafka, which cannot be loaded: \(why)", hint: "apt-get install librdkafka1")
    }
  }

  private static func set(_ conf: OpaquePointer, _ name: String, _ value: String) throws {
    var text = [CChar](repeating: 0, count: 512)
    let result = unsafe ckafka_conf_set(conf, name, value, &text, text.count)
    if result == RD_KAFKA_CONF_OK { return }
    if result == RD_KAFKA_CONF_UNKNOWN {
      let near = nearestNames(to: name, among: unsafe names(conf), limit: 1).first
      throw KConnectError(
        .optionUnknown, "unknown option 'kafka.\(name)'", hint: (near.map { "did you mean 'kafka.\($0)'? " } ?? "") + "names are those of librdkafka's CONFIGURATION.md")
    }
    // The library repeats the value in its message: a secret must not be shown.
    let isSecret = ["password", "secret", "key", "sasl.oauthbearer.config"].contains { name.contains($0) }
    throw KConnectError(.optionInvalid, "option 'kafka.\(name)': \(isSecret ? "the value is not valid" : Self.text(text))")
  }

  private static func names(_ conf: OpaquePointer) -> [String] {
    var count = 0
    guard let dump = unsafe ckafka_conf_dump(conf, &count) else { return [] }
    defer { unsafe ckafka_conf_dump_free(dump, count) }
    return stride(from: 0, to: count, by: 2).compactMap { i in unsafe dump[i].map { unsafe String(cString: $0) } }
  }

  private static func text(_ bytes: [CChar]) -> String { String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) }

  // MARK: Errors

  /// The error of a call as ours; the client's own last words (no broker reachable, …) are added.
  func error(_ code: rd_kafka_resp_err_t, _ what: String) -> KConnectError {
    var words = [CChar](repeating: 0, count: 512)
    let last = unsafe ckafka_client_error(handle, &words, words.count)
    let more = last == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : ": \(KafkaClient.text(words))"
    return KafkaClient.error(code, what + more)
  }

  static func error(_ code: rd_kafka_resp_err_t, _ what: String, text: String? = nil) -> KConnectError {
    let name = unsafe String(cString: ckafka_error_name(code))
    let message = "Kafka: \(what): \(text ?? (unsafe String(cString: ckafka_error_text(code)))) (\(name))"
    switch code {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return KConnectError(.permission, message)
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return KConnectError(.pathNotFound, message)
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR__INVALID_ARG:
      return KConnectError(.valueInvalid, message)
    default: return KConnectError(.io, message, isRetryable: true)
    }
  }

  private func check(_ code: rd_kafka_resp_err_t, _ what: @autoclosure () -> String) throws {
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw error(code, what()) }
  }

  // MARK: Metadata and offsets

  /// All topics with their partitions' numbers.
  func topics(timeoutMs: Int) throws -> [String: [Int32]] {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    try unsafe check(ckafka_metadata(handle, &metadata, Int32(timeoutMs)), "cannot list topics")
    guard let metadata = unsafe metadata else { return [:] }
    defer { unsafe ckafka_metadata_destroy(metadata) }
    var out: [String: [Int32]] = [:]
    for i in unsafe 0..<Int(metadata.pointee.topic_cnt) {
      let topic = unsafe metadata.pointee.topics[i]
      guard unsafe topic.err == RD_KAFKA_RESP_ERR_NO_ERROR, let name = unsafe topic.topic else { continue }
      unsafe out[String(cString: name)] = (0..<Int(topic.partition_cnt)).map { unsafe topic.partitions[$0].id }.sorted()
    }
    return out
  }

  /// The first offset kept and the one behind the last.
  func watermarks(_ partition: TopicPartition, timeoutMs: Int) throws -> (low: Int64, high: Int64) {
    var low: Int64 = 0, high: Int64 = 0
    try unsafe check(ckafka_watermarks(handle, partition.topic, partition.partition, &low, &high, Int32(timeoutMs)), "cannot get the offsets of \(partition)")
    return (low, high)
  }

  /// The first offset at or after a time (milliseconds since 1970) in each partition; nil where there is none.
  func offsets(at times: [TopicPartition: Int64], timeoutMs: Int) throws -> [TopicPartition: Int64] {
    let list = unsafe ckafka_list_new(Int32(times.count))
    defer { unsafe ckafka_list_destroy(list) }
    for (partition, time) in times.sorted(by: { $0.key < $1.key }) { unsafe ckafka_list_add(list, partition.topic, partition.partition).pointee.offset = time }
    try unsafe check(ckafka_offsets_for_times(handle, list, Int32(timeoutMs)), "cannot get offsets by time")
    var out: [TopicPartition: Int64] = [:]
    for i in unsafe 0..<Int(list.pointee.cnt) {
      let element = unsafe list.pointee.elems[i]
      guard let name = unsafe element.topic, unsafe element.offset >= 0 else { continue }
      unsafe out[TopicPartition(topic: String(cString: name), partition: element.partition)] = unsafe element.offset
    }
    return out
  }

  // MARK: Reading

  /// Reads these partitions from these offsets, and nothing else.
  func assign(_ starts: [(TopicPartition, Int64)]) throws {
    guard !starts.isEmpty else { return try unsafe check(ckafka_assign(handle, nil), "cannot stop reading") }
    let list = unsafe ckafka_list_new(Int32(starts.count))
    defer { unsafe ckafka_list_destroy(list) }
    for (partition, offset) in starts { unsafe ckafka_list_add(list, partition.topic, partition.partition).pointee.offset = offset }
    try unsafe check(ckafka_assign(handle, list), "cannot start reading")
  }

  /// Fetches no more of a partition.
  func pause(_ partition: TopicPartition) {
    let list = unsafe ckafka_list_new(1)
    defer { unsafe ckafka_list_destroy(list) }
    _ = unsafe ckafka_list_add(list, partition.topic, partition.partition)
    _ = unsafe ckafka_pause(handle, list)
  }

  /// Calls `body` with each message that has come, after waiting at most so long for the first; the number of them.
  func poll(waitMs: Int, _ body: (UnsafeMutablePointer<rd_kafka_message_t>) throws -> Void) throws -> Int {
    var messages = unsafe [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: 4_096)
    let n = unsafe ckafka_consume(handle, Int32(waitMs), &messages, messages.count)
    guard n > 0 else { return 0 }
    var failure: (any Error)?
    for i in 0..<n {
      guard let message = unsafe messages[i] else { continue }
      if failure == nil { do { try unsafe body(message) } catch { failure = error } }
      unsafe ckafka_message_destroy(message)
    }
    if let failure { throw failure }
    return n
  }

  // MARK: Writing

  /// Queues a copy of a message; false: the queue is full.
  func produce(
    _ topic: String, _ partition: Int32, key: UnsafeBufferPointer<UInt8>?, value: UnsafeBufferPointer<UInt8>?, headers: [(name: String, value: [UInt8]?)]
  ) throws -> Bool {
    // A value that is there and empty needs an address, or it would be null.
    let empty: StaticString = ""
    func address(_ bytes: UnsafeBufferPointer<UInt8>?) -> UnsafeRawPointer? {
      unsafe bytes.map { unsafe UnsafeRawPointer($0.baseAddress ?? empty.utf8Start) }
    }
    let code: rd_kafka_resp_err_t
    if headers.isEmpty {
      code = unsafe ckafka_produce(handle, topic, partition, address(key), key?.count ?? 0, address(value), value?.count ?? 0, nil, 0)
    } else {
      let owned = unsafe headers.map { unsafe (name: strdupBytes($0.name), value: $0.value.map { unsafe copyBytes($0) }, size: $0.value?.count ?? 0) }
      defer {
        for unsafe header in unsafe owned {
          unsafe header.name.deallocate()
          unsafe header.value?.deallocate()
        }
      }
      let list = unsafe owned.map { unsafe ckafka_header(name: $0.name, value: UnsafeRawPointer($0.value), size: $0.size) }
      code = unsafe ckafka_produce(handle, topic, partition, address(key), key?.count ?? 0, address(value), value?.count ?? 0, list, list.count)
    }
    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return false }
    try check(code, "cannot send to '\(topic)'")
    return true
  }

  /// Lets delivery reports come in.
  func serve(waitMs: Int) { unsafe ckafka_poll(handle, Int32(waitMs)) }

  /// Waits until brokers have acknowledged everything; false when messages are left.
  func flush(waitMs: Int) -> Bool { unsafe ckafka_flush(handle, Int32(waitMs)) == RD_KAFKA_RESP_ERR_NO_ERROR }

  /// Drops what has not been sent.
  func purge() { unsafe ckafka_purge(handle) }

  /// Messages acknowledged and failed, with the first failure.
  var deliveries: (delivered: Int, failed: Int, first: rd_kafka_resp_err_t) {
    var delivered: UInt64 = 0, failed: UInt64 = 0
    var first = RD_KAFKA_RESP_ERR_NO_ERROR
    unsafe ckafka_deliveries(handle, &delivered, &failed, &first)
    return (Int(delivered), Int(failed), first)
  }
}

/// A zero-terminated copy; the caller frees it.
private func strdupBytes(_ text: String) -> UnsafeMutablePointer<CChar> {
  let bytes = Array(text.utf8CString)
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
  unsafe copy.initialize(from: bytes, count: bytes.count)
  return unsafe copy
}

/// A copy; the caller frees it.
private func copyBytes(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8> {
  let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
  unsafe copy.initialize(from: bytes, count: bytes.count)
  return unsafe copy
}
