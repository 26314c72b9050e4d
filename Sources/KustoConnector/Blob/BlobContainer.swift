// Role: a container of Azure storage as a place of files: listing page by page, ranges of blobs, block uploads.

import Columnar
import DataSource
import FileConnector

/// A container with credentials.
struct BlobContainer: ObjectContainer {
  let client: BlobClient

  var address: String { client.shown }

  /// Blobs asked for in a page.
  private static let pageSize = 5_000
  private static let pages = 100_000

  func list(_ prefix: String) throws -> [StoredObject] {
    var found: [StoredObject] = []
    var marker = ""
    for _ in 0..<Self.pages {
      var query = [("restype", "container"), ("comp", "list"), ("maxresults", String(Self.pageSize))]
      if !prefix.isEmpty { query.append(("prefix", prefix)) }
      if !marker.isEmpty { query.append(("marker", marker)) }
      let answer = try client.send("GET", "", query: query)
      let (objects, next) = try BlobListing.read(answer.body, address: address)
      found += objects
      guard let next, next != marker else {
        return found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      }
      marker = next
    }
    throw KConnectError(.http, "'\(address)' does not end its listing")
  }

  func find(_ name: String) throws -> StoredObject? {
    let answer = try client.send("HEAD", name, expected: [404])
    guard answer.status != 404 else { return nil }
    guard let size = answer.headers["content-length"].flatMap({ Int($0) }), size >= 0 else {
      throw KConnectError(.http, "'\(address)/\(name)' answered without its size")
    }
    // Directories of accounts with a hierarchical namespace are blobs without content.
    if answer.headers["x-ms-meta-hdi_isfolder"] == "true" || answer.headers["x-ms-resource-type"] == "directory" { return nil }
    return StoredObject(
      name: name, size: size, modified: (answer.headers["last-modified"].flatMap { HTTPDate.ticks($0) } ?? 0) * 100, tag: answer.headers["etag"] ?? "")
  }

  func bytes(of object: StoredObject) -> any RemoteBytes { BlobBytes(client, object) }

  func output(_ name: String, _ replacement: ObjectReplacement) throws -> any ObjectOutput { BlobOutput(client, name, replacement) }

  func remove(_ name: String) throws { _ = try client.send("DELETE", name, expected: [404]) }
}

/// The XML of a listing.
enum BlobListing {
  /// The blobs of a page, and the marker of the next; nil at the end. Throws FORMAT_CORRUPT.
  static func read(_ bytes: [UInt8], address: String) throws -> ([StoredObject], String?) {
    var scanner = XMLScanner(bytes)
    var objects: [StoredObject] = []
    var next: String?
    var isListing = false
    while let event = scanner.next() {
      switch event {
      case .open("EnumerationResults"): isListing = true
      case .open("Blob"): if let object = blob(&scanner) { objects.append(object) }
      case .open("NextMarker"):
        let marker = scanner.elementText()
        next = marker.isEmpty ? nil : marker
      case .close("EnumerationResults"): return (objects, next)
      default: break
      }
    }
    throw KConnectError(.formatCorrupt, "the listing of '\(address)' is \(isListing ? "cut off" : "no listing")", isRetryable: isListing)
  }

  /// Reads to the end of a `Blob`; nil for directories.
  private static func blob(_ scanner: inout XMLScanner) -> StoredObject? {
    var object = StoredObject(name: "", size: 0, modified: 0, tag: "")
    var isDirectory = false
    while let event = scanner.next() {
      switch event {
      case .close("Blob"): return object.name.isEmpty || isDirectory || object.name.hasSuffix("/") ? nil : object
      case .open("Name"): object.name = scanner.elementText()
      case .open("Content-Length"): object.size = max(0, Int(scanner.elementText()) ?? 0)
      case .open("Last-Modified"): object.modified = (HTTPDate.ticks(scanner.elementText()) ?? 0) * 100
      case .open("Etag"):
        // Conditions want the quotes that listings leave out.
        let tag = scanner.elementText()
        object.tag = tag.hasPrefix("\"") ? tag : "\"\(tag)\""
      case .open("ResourceType"): isDirectory = isDirectory || scanner.elementText() == "directory"
      case .open("hdi_isfolder"): isDirectory = isDirectory || scanner.elementText() == "true"
      default: break
      }
    }
    return nil
  }
}
