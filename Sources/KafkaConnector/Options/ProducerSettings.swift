// Role: what a producer is set to beyond what the user gave.

package enum ProducerSettings {
  /// The settings with defaults of ours for those that are not given. The client's own repeats are told apart by brokers
  /// (`enable.idempotence`) unless the user chose something that excludes it. Source: librdkafka's CONFIGURATION.md.
  package static func completed(_ given: [(name: String, value: String)]) -> [(name: String, value: String)] {
    let defaults = [("linger.ms", "5"), ("queue.buffering.max.kbytes", "65536")] + (given.allSatisfy(isIdempotent) ? [("enable.idempotence", "true")] : [])
    return given + defaults.filter { name, _ in !given.contains { $0.name == name } }.map { (name: $0.0, value: $0.1) }
  }

  private static func isIdempotent(_ setting: (name: String, value: String)) -> Bool {
    switch setting.name {
    case "acks", "request.required.acks": ["all", "-1"].contains(setting.value)
    case "max.in.flight", "max.in.flight.requests.per.connection": Int(setting.value).map { $0 <= 5 } ?? true
    case "retries", "message.send.max.retries": Int(setting.value).map { $0 > 0 } ?? true
    case "queuing.strategy": setting.value != "lifo"
    default: true
    }
  }
}
