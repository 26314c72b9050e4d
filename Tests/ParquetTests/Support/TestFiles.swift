// Where test data is, files made in memory, and a seeded generator.
import Codecs
import Columnar
import Glibc
import Parquet

/// A small seeded generator (SplitMix64): the same numbers on every run.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

enum TestFiles {
  /// The folder of these tests.
  static let folder: String = {
    let here = #filePath
    let support = here[..<(here.lastIndex(of: "/") ?? here.startIndex)]
    return String(support[..<(support.lastIndex(of: "/") ?? support.startIndex)])
  }()

  /// An environment variable's text, nil when unset or empty.
  static func environment(_ name: String) -> String? {
    guard let raw = getenv(name), raw[0] != 0 else { return nil }
    return String(cString: raw)
  }

  /// Python with the judges' packages: KCONNECT_PYTHON.
  static let python = environment("KCONNECT_PYTHON")

  /// The folder of shared data sets beside the checkout (or KCONNECT_DATA), nil when it is not there.
  static let sharedData: String? = {
    let candidates = [environment("KCONNECT_DATA"), folder + "/../../../shared/data"].compactMap { $0 }
    return candidates.first { access($0 + "/parquet-testing.tar.zst", R_OK) == 0 }
  }()

  /// The unpacked conformance files, nil where they are not available. Removed by the system with the temporary directory.
  static let conformance: String? = {
    guard let data = sharedData else { return nil }
    let target = "/tmp/kconnect-parquet-testing-\(UInt64.random(in: 0 ... .max))"
    guard system("mkdir -p '\(target)' && tar --zstd -xf '\(data)/parquet-testing.tar.zst' -C '\(target)'") == 0 else { return nil }
    return target
  }()

  /// Files of a folder with a suffix, by name, folders below included.
  static func list(_ folder: String, suffix: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var out: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix(".") { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) { out += list(folder + "/" + name, suffix: suffix) }
      if name.hasSuffix(suffix) { out.append(folder + "/" + name) }
    }
    return out.sorted()
  }

  /// All bytes of a file.
  static func bytes(_ path: String) throws -> [UInt8] {
    let source = try FileDescriptorSource(path: path)
    var bytes = [UInt8](repeating: 0, count: source.byteCount)
    try bytes.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
    return bytes
  }

  /// A file of the given batches, one row group each.
  static func write(_ batches: [RecordBatch], _ options: ParquetWriterOptions) throws -> [UInt8] {
    let encoder = try ParquetEncoder(schema: batches[0].schema, options: options)
    var bytes: [UInt8] = []
    let writer = try ParquetFileWriter(encoder, createdBy: "kconnect tests") { bytes.append(contentsOf: $0) }
    for batch in batches { try writer.append(try encoder.encode([batch])) }
    try writer.finish()
    return bytes
  }

  /// Options that read everything: sub-tick times are floored.
  static var lenient: ParquetReadOptions {
    var options = ParquetReadOptions()
    options.onInexact = .truncate
    return options
  }
}

/// The canonical lines of a file, see `dumpValues`.
func lines(of file: ParquetFile) throws -> [String] {
  var out: [String] = []
  try dumpValues(of: file) { out.append($0) }
  return out
}
