// Role: sessions, temporary places and row texts shared by the tests of the public API.

import KConnect
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A session of its own.
func session() async throws -> Session { try await Session.builder.appName("tests").getOrCreate() }

/// Rows as short texts: `a|1|null`.
func texts(_ rows: [Row]) -> [String] {
  rows.map { row in row.values.map(text).joined(separator: "|") }
}

/// All rows of a frame as short texts.
func texts(_ frame: DataFrame) async throws -> [String] { texts(try await frame.collect()) }

/// The same in sorted order, for results without an order.
func sortedTexts(_ frame: DataFrame) async throws -> [String] { try await texts(frame).sorted() }

private func text(_ scalar: Scalar) -> String {
  switch scalar {
  case .null: "null"
  case .bool(let v): "\(v)"
  case .int(let v): "\(v)"
  case .long(let v): "\(v)"
  case .real(let v): "\(v)"
  case .string(let v): v
  case .datetime(let v): DateTime(ticks: v).description
  case .timespan(let v): TimeSpan(ticks: v).description
  case .guid(let v): v.description
  case .decimal(let v): "\(v.coefficient)e\(-Int(v.scale))"
  case .dynamic(let v): "\(v)"
  }
}

/// A directory that is removed with its contents when the value goes.
final class TemporaryPlace: Sendable {
  let path: String

  init() throws {
    let path = "/tmp/kconnect-tests-\(getpid())-\(UInt64.random(in: .min ... .max))"
    try #require(mkdir(path, 0o700) == 0)
    self.path = path
  }

  deinit { Self.remove(path) }

  /// A path inside.
  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a text file.
  func write(_ name: String, _ text: String) throws -> String {
    let file = try #require(fopen(self.file(name), "w"))
    defer { fclose(file) }
    try #require(fputs(text, file) >= 0)
    return self.file(name)
  }

  /// Names inside, sorted.
  var names: [String] { Self.names(path) }

  static func names(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var out: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      if name != ".", name != ".." { out.append(name) }
    }
    return out.sorted()
  }

  private static func remove(_ path: String) {
    for name in names(path) {
      let inner = "\(path)/\(name)"
      if unlink(inner) != 0 { remove(inner) }
    }
    rmdir(path)
  }
}
