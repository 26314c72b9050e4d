// Role: rows to messages. At least once: what has been sent cannot be taken back, so that a batch or a write that is run again sends its rows
// again. `commit` returns when brokers have acknowledged all of them.

package import Columnar
package import DataSource
import Synchronization

private struct KafkaChunk: EncodedChunk {
  let batches: [RecordBatch]
  let rowCount: Int
  let byteCount: Int
}

package final class KafkaSink: TableSink {
  private struct Counts { var rows = 0, bytes = 0 }

  private let client: KafkaClient
  private let topic: String?
  private let columns: KafkaColumns
  private let counts = Mutex(Counts())
  private static let flushMs = 300_000

  /// Throws SCHEMA_MISMATCH, OPTION_INVALID, USAGE.
  package init(_ path: String, schema: StructType, options: DataSourceOptions) throws {
    let address = try KafkaAddress(path)
    if let given = options.string("topic"), let named = address.topic, given != named {
      throw KConnectError(.optionInvalid, "the locator names the topic '\(named)', option 'topic' '\(given)'", hint: "give one of them")
    }
    topic = options.string("topic") ?? address.topic
    columns = try KafkaColumns(schema, hasTopic: topic != nil)
    client = try KafkaClient(.producer, ProducerSettings.completed(try KafkaSettings.client(options, address).settings))
  }

  package var preferredChunkRows: Int? { nil }

  package func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    KafkaChunk(batches: chunk, rowCount: chunk.reduce(0) { $0 + $1.rowCount }, byteCount: chunk.reduce(0) { $0 + $1.byteSize })
  }

  package func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? KafkaChunk else { throw KConnectError(.internalError, "a chunk of another sink") }
    for batch in chunk.batches {
      // SAFETY: key and value live for the call, and `produce` queues copies of them.
      try unsafe columns.send(batch, to: topic) { topic, partition, key, value, headers in
        while try unsafe !client.produce(topic, partition, key: key, value: value, headers: headers) {
          client.serve(waitMs: 100)
          try checkDeliveries()
        }
      }
      client.serve(waitMs: 0)
      try checkDeliveries()
    }
    counts.withLock { counts in
      counts.rows += chunk.rowCount
      counts.bytes += chunk.byteCount
    }
  }

  private func checkDeliveries() throws {
    let (_, failed, first) = client.deliveries
    if failed > 0 { throw client.error(first, "\(failed) \(failed == 1 ? "message was" : "messages were") not delivered") }
  }

  package func commit() throws -> WriteSummary {
    guard client.flush(waitMs: Self.flushMs) else {
      throw KConnectError(.io, "Kafka: messages are still not acknowledged after \(Self.flushMs / 1_000) s", isRetryable: true)
    }
    try checkDeliveries()
    let counts = counts.withLock { $0 }
    return WriteSummary(rows: counts.rows, bytes: counts.bytes, files: 0)
  }

  /// Messages that wait are dropped; those sent stay.
  package func abort() { client.purge() }
}
