// Role: the keys in the addresses that the server gives out for its queues, containers and its status table: each for one resource, for what its clients
// do there, and for a while.

import Columnar
import DataSource
import KustoConnector
import KustoStore

/// What a key in an address allows.
enum KeyAnswer {
  case allowed
  /// The key is not this server's, or its time is over.
  case unknown
  /// The key is right, and does not allow this.
  case forbidden
}

struct ResourceKeys: Sendable {
  private static let lifetimeTicks: Int64 = 24 * 3_600 * 10_000_000

  /// Secrets by resource; those of exports' containers have one together.
  private let secrets: [String: Secret]

  init(_ secrets: [String: Secret] = [:]) { self.secrets = secrets }

  /// What clients do with a resource: letters as in Azure's signatures (`r` read, `a` add, `c` create, `w` write, `d` delete, `u` update, `p` process, `l` list).
  private static func rights(_ resource: String) -> String {
    switch resource {
    // Messages are posted there, and read by the server alone.
    case IngestionQueues.Queue.ready.rawValue: "a"
    case IngestionQueues.Queue.failed.rawValue, IngestionQueues.Queue.success.rawValue: "rp"
    case IngestionQueues.statusTable: "rau"
    // Nobody is told the names of others' blobs.
    case IngestionQueues.container: "rcwd"
    default: "rcwdl"
    }
  }

  /// The query of a resource's address.
  func query(_ resource: String) throws -> String {
    let rights = Self.rights(resource)
    let end = ScalarText.text(.datetime(StoreClock.nowTicks + Self.lifetimeTicks)) ?? ""
    return "sv=2024-11-04&sr=c&sp=\(rights)&se=\(FormText.encoded(end))&sig=\(FormText.encoded(try signature(resource, rights, end) ?? ""))"
  }

  /// Whether the key in an address allows one of the rights. `isTimeless`: also when its time is over, for what was posted in time.
  func answer(_ query: String, resource: String, rights: Set<Character>, isTimeless: Bool = false) throws -> KeyAnswer {
    func field(_ name: String) -> String {
      query.split(separator: "&").first { $0.hasPrefix(name + "=") }.map { percentDecoded($0.dropFirst(name.utf8.count + 1)) } ?? ""
    }
    let given = field("sp"), end = field("se")
    // Who read a plus as that of a form has made it a blank.
    guard let expected = try signature(resource, given, end), Secret(expected) == Secret(field("sig").replacing(" ", with: "+")) else { return .unknown }
    guard case .datetime(let ticks)? = ScalarText.parse(end, as: .datetime), isTimeless || ticks > StoreClock.nowTicks else { return .unknown }
    return given.contains { rights.contains($0) } ? .allowed : .forbidden
  }

  /// The signature over a resource, rights and an end; nil for resources without a key.
  private func signature(_ resource: String, _ rights: String, _ end: String) throws -> String? {
    let name = IngestionQueues.isExportContainer(resource) ? IngestionQueues.exportPrefix : resource
    guard let secret = secrets[name] else { return nil }
    return try SharedKey.signature(of: resource + "\n" + rights + "\n" + end, key: secret, account: BlobStore.account)
  }
}
