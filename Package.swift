// swift-tools-version: 6.2
// The module graph, as ordered layers: a module may depend only on modules of earlier layers (or on C modules and packages).
// The check below runs whenever the manifest is evaluated, so an upward arrow does not build.
import PackageDescription

struct Module {
  var name: String
  var layer: Int
  var uses: [String] = []
  var products: [Target.Dependency] = []
  var folder: String? = nil
  var isProgram = false
  /// Strict memory safety and warnings as errors; false for modules not migrated yet.
  var isStrict = true
  var linker: [LinkerSetting] = []
}

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let strict: [SwiftSetting] = [.strictMemorySafety(), .treatAllWarnings(as: .error)]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
/// SQLite, for the metadata of stores; only KustoStore uses it.
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

// Layer 0 is memory and codecs; layer 11 is what a user starts.
let modules: [Module] = [
  Module(name: "Columnar", layer: 0, uses: ["CSIMD"]),
  Module(name: "Series", layer: 0),
  Module(name: "Geospatial", layer: 0),
  Module(name: "Codecs", layer: 1, uses: ["CZstd", "CSnappy", "CLZ4", "CBrotli", "CZlib"]),
  Module(name: "Expressions", layer: 1, uses: ["Columnar", "Series", "Geospatial", "CSIMD", "CRE2", "CZlib"]),
  Module(name: "DataSource", layer: 2, uses: ["Columnar", "Expressions", "CLinux"]),
  Module(name: "Parquet", layer: 2, uses: ["Columnar", "Codecs", "CSIMD"]),
  Module(name: "CSV", layer: 2, uses: ["Columnar", "Codecs", "CSIMD"]),
  Module(name: "Avro", layer: 2, uses: ["Columnar", "Codecs"]),
  Module(name: "JSON", layer: 2, uses: ["Columnar", "Codecs", "CSIMD"]),
  Module(name: "Engine", layer: 3, uses: ["Columnar", "Expressions", "DataSource", "CSIMD", "CLinux"]),
  Module(name: "Delta", layer: 3, uses: ["Columnar", "Expressions", "DataSource", "Parquet", "Codecs"]),
  Module(name: "KQL", layer: 4, uses: ["Columnar", "Expressions", "DataSource", "Engine"]),
  Module(name: "FileConnector", layer: 5, uses: ["Columnar", "Expressions", "DataSource", "Parquet", "CSV", "JSON", "Avro", "Codecs", "CCurl", "CLinux"]),
  Module(name: "KustoWire", layer: 5, uses: ["Columnar", "JSON", "DataSource", "KQL"]),
  Module(name: "KustoStore", layer: 7, uses: ["Columnar", "Expressions", "DataSource", "Engine", "KQL", "KustoWire", "Parquet", "Codecs", "Delta", "FileConnector", "JSON", "CLinux"], products: [grdb]),
  Module(name: "PythonPlugin", layer: 6, uses: ["Columnar", "Codecs", "Expressions", "DataSource", "Engine", "Parquet", "FileConnector", "CSandbox"]),
  Module(name: "DeltaConnector", layer: 6, uses: ["Columnar", "Expressions", "DataSource", "Engine", "Parquet", "Delta", "FileConnector"]),
  Module(name: "KustoConnector", layer: 9,
         uses: ["Columnar", "Expressions", "DataSource", "Engine", "KQL", "Codecs", "Parquet", "CSV", "FileConnector", "KustoStore", "KustoWire", "Streaming", "CCurl", "CLinux", "COpenSSL"]),
  Module(name: "Streaming", layer: 8,
         uses: ["Columnar", "Expressions", "DataSource", "Engine", "Codecs", "FileConnector", "Delta", "DeltaConnector", "KustoStore", "CLinux"]),
  Module(name: "KustoAccess", layer: 8, uses: ["KustoStore", "FileConnector", "DataSource", "Columnar", "CKeys"]),
  Module(name: "Charts", layer: 3, uses: ["Columnar", "DataSource"]),
  Module(name: "Settings", layer: 3, uses: ["Columnar", "DataSource"], products: [.product(name: "TOMLKit", package: "TOMLKit")]),
  Module(name: "KafkaConnector", layer: 9, uses: ["Columnar", "Expressions", "DataSource", "Engine", "Delta", "Streaming", "CKafka"]),
  Module(name: "KConnect", layer: 10,
         uses: ["PythonPlugin", "KafkaConnector", "KustoConnector", "KustoStore", "Streaming", "Columnar", "Expressions", "DataSource", "Engine", "KQL", "FileConnector", "DeltaConnector"]),
  Module(name: "KustoServer", layer: 11,
         uses: ["PythonPlugin", "KConnect", "KustoConnector", "KustoAccess", "KustoStore", "KustoWire", "KQL", "Columnar", "Expressions", "DataSource", "Engine", "FileConnector", "Codecs", "CLinux"],
         products: [.product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdTLS", package: "hummingbird")]),
  Module(name: "KConnectServer", layer: 12, uses: ["KustoServer", "KustoAccess", "KustoStore", "KConnect", "PythonPlugin", "DataSource", "FileConnector"], products: [argumentParser], isProgram: true),
  Module(name: "KConnectCLI", layer: 12,
         uses: ["PythonPlugin", "Settings", "Streaming", "KConnect", "Charts", "KafkaConnector", "KustoConnector", "KustoStore", "Columnar", "Expressions", "DataSource", "Engine", "KQL", "FileConnector", "Delta", "DeltaConnector", "Parquet", "JSON", "Codecs", "CLinux"],
         products: [argumentParser], isProgram: true),
]

let cModules: [Target] = [
  .systemLibrary(name: "CZstd", path: "Sources/C/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
  .systemLibrary(name: "CSnappy", path: "Sources/C/CSnappy", pkgConfig: "snappy", providers: [.apt(["libsnappy-dev"])]),
  .systemLibrary(name: "CLZ4", path: "Sources/C/CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
  .systemLibrary(name: "CBrotli", path: "Sources/C/CBrotli", pkgConfig: "libbrotlienc", providers: [.apt(["libbrotli-dev"])]),
  .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(name: "CRE2System", path: "Sources/C/CRE2System", pkgConfig: "re2", providers: [.apt(["libre2-dev"])]),
  .target(name: "CSIMD", path: "Sources/C/CSIMD"),
  .target(name: "CKeys", path: "Sources/C/CKeys", linkerSettings: [.linkedLibrary("crypto")]),
  .target(name: "CLinux", path: "Sources/C/CLinux"),
  .target(name: "CSandbox", path: "Sources/C/CSandbox"),
  .target(name: "CCurl", path: "Sources/C/CCurl"),
  .target(name: "COpenSSL", path: "Sources/C/COpenSSL"),
  .target(name: "CKafka", path: "Sources/C/CKafka"),
  // Kafka brokers in a process of their own, for tests.
  .executableTarget(name: "kafka-mock", path: "Tests/KafkaMock", linkerSettings: [.linkedLibrary("rdkafka")]),
  .target(name: "CRE2", dependencies: ["CRE2System"], path: "Sources/C/CRE2", linkerSettings: [.linkedLibrary("stdc++")]),
]

let layerOf = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0.layer) })
for module in modules {
  for used in module.uses {
    if let layer = layerOf[used], layer >= module.layer {
      fatalError("Package.swift: '\(module.name)' (layer \(module.layer)) may not depend on '\(used)' (layer \(layer))")
    }
  }
}

func target(_ module: Module) -> Target {
  let dependencies = module.uses.map { Target.Dependency.target(name: $0) } + module.products
  let path = module.folder ?? "Sources/\(module.name)"
  let settings = settings + (module.isStrict ? strict : [])
  return module.isProgram
    ? .executableTarget(name: module.name, dependencies: dependencies, path: path, swiftSettings: settings, linkerSettings: module.linker)
    : .target(name: module.name, dependencies: dependencies, path: path, swiftSettings: settings, linkerSettings: module.linker)
}

func test(_ name: String, _ uses: [String], exclude: [String] = [], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: uses.map { .target(name: $0) }, path: "Tests/\(name)", exclude: exclude, resources: resources, swiftSettings: settings)
}

// Each example is a program that uses the public API alone.
let examples: [Target] = ["home-telemetry", "csv-to-parquet", "kql-over-files", "codable-frames", "streaming-files", "streaming-ingest"].map { name in
  .executableTarget(name: name, dependencies: ["KConnect"], path: "examples/\(name)", exclude: ["expected.txt"], swiftSettings: settings)
}

let tests: [Target] = [
  test("QueryTests", ["KustoServer", "KustoConnector", "KustoStore", "KQL", "Engine", "Expressions", "DataSource", "Columnar", "KConnect"], resources: [.copy("Cases")]),
  test("KustoAccessTests", ["KustoAccess", "KustoStore", "DataSource", "Columnar", "Engine", "KQL", "Expressions"], exclude: ["judge.py"]),
  test("ChartsTests", ["Charts", "Columnar", "DataSource"]),
  test("CommandTests", ["KustoStore", "KQL", "Columnar", "Expressions", "DataSource", "Engine"]),
  test("JSONTests", ["JSON", "Columnar"]),
  test("KConnectTests", ["KConnect"]),
  test("PythonTests", ["KConnect", "PythonPlugin", "Engine"]),
  test("StreamingTests", ["Streaming", "KustoStore", "Delta", "DeltaConnector", "FileConnector", "Engine", "Expressions", "Columnar", "DataSource"]),
  test("SettingsTests", ["Settings", "DataSource"]),
  test("KafkaTests", ["KafkaConnector", "Streaming", "Columnar", "DataSource"]),
  test("CLITests", [], exclude: ["Help", "Terminal", "Judges"]),
  test("FileConnectorTests", ["FileConnector", "DataSource", "Expressions", "Columnar"], exclude: ["avro_files.py"]),
  test("DeltaTests", ["Delta", "DeltaConnector", "FileConnector", "DataSource", "Expressions", "Columnar"], exclude: ["judge.py"]),
  test("ColumnarTests", ["Columnar"]),
  test("GeospatialTests", ["Geospatial"]),
  test("EngineTests", ["Engine", "Columnar", "Expressions", "DataSource"]),
  test("ParquetWriterTests", ["Columnar", "Parquet", "Codecs"], exclude: ["judge.py"]),
  test("ExpressionTests", ["Columnar", "Expressions"]),
  test("TextTests", ["Columnar"]),
  test("SeriesTests", ["Series"]),
  test("CSVTests", ["CSV", "FileConnector", "DataSource", "Expressions", "Columnar"]),
  test("AggregateTests", ["Columnar", "Expressions"]),
  test("KQLTests", ["KQL", "Columnar", "Expressions", "DataSource", "Engine"]),
  test("KustoConnectorTests", ["KustoConnector", "KustoWire", "KustoStore", "KQL", "Engine", "FileConnector", "Columnar", "Expressions", "DataSource"], exclude: ["Judges", "fake_cluster.py"]),
  test("StoreTests", ["KustoStore", "Columnar", "Expressions", "DataSource", "Engine"], exclude: ["Judges"]),
  test("ClusterTests", [], exclude: ["support.py", "attacks.py", "credentials.py", "identities.py", "storage.py", "reads.py", "writes.py"]),
  test("KustoServerTests", ["PythonPlugin", "KustoServer", "KustoWire", "KustoStore", "KConnect", "Columnar", "DataSource"], exclude: ["judge.py", "kqlmagic.py"]),
  test("ParquetTests", ["Columnar", "Parquet", "Codecs"], exclude: ["Judges", "Fixtures"]),
]

let package = Package(
  name: "KConnect",
  products: [
    .library(name: "KConnect", targets: ["KConnect"]),
    .executable(name: "kconnect", targets: ["KConnectCLI"]),
    .executable(name: "kconnect-server", targets: ["KConnectServer"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
  ],
  targets: cModules + modules.map(target) + examples + tests,
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
