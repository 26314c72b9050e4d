// Apache's conformance files: every value as PyArrow reads it, every bad file refused without a crash.
import Columnar
import Glibc
import Parquet
import Testing

@Suite struct ConformanceTests {
  /// The value of one row is beyond 2 GiB of text: refused, and too large to dump.
  static let oversized = "large_string_map.brotli.parquet"

  @Test(
    .enabled(if: TestFiles.sharedData != nil, "no conformance files beside the checkout (../shared/data)"),
    .enabled(if: TestFiles.python != nil, "KCONNECT_PYTHON is not set: no PyArrow to judge"))
  func valuesEqualPyArrow() throws {
    let root = try #require(TestFiles.conformance)
    var options = TestFiles.lenient
    options.verifiesChecksums = false
    var arguments = ""
    var count = 0
    // VARIANT files, which PyArrow reads as the groups they are stored as, have tests of their own.
    for path in TestFiles.list("\(root)/data", suffix: ".parquet") where !path.hasSuffix(Self.oversized) {
      let dump = path + ".dump"
      do {
        try Self.dump(try ParquetFile(path: path, options: options), to: dump)
      } catch {
        Issue.record("\(path): \(error)")
        continue
      }
      arguments += " '\(path)' '\(dump)'"
      count += 1
    }
    #expect(count > 50)
    for name in ["nested-v1", "nested-v2-index"] {
      let path = "\(TestFiles.folder)/Fixtures/\(name).parquet"
      try Self.dump(try ParquetFile(path: path), to: "\(root)/\(name).dump")
      arguments += " '\(path)' '\(root)/\(name).dump'"
    }
    let python = try #require(TestFiles.python)
    #expect(system("'\(python)' '\(TestFiles.folder)/Judges/compare_values.py'\(arguments) >&2") == 0)
  }

  @Test(.enabled(if: TestFiles.sharedData != nil, "no conformance files beside the checkout (../shared/data)"))
  func badFilesAreRefused() throws {
    let root = try #require(TestFiles.conformance)
    // Other readers return rows for these; anything but a crash is right.
    let tolerated = ["ARROW-GH-43605.parquet", "ARROW-RS-GH-6229-LEVELS.parquet", "ARROW-GH-45185.parquet"]
    let files = TestFiles.list("\(root)/bad_data", suffix: ".parquet")
    #expect(files.count >= 8)
    for path in files {
      do {
        _ = try lines(of: try ParquetFile(path: path))
        #expect(tolerated.contains { path.hasSuffix($0) }, "\(path) was read")
      } catch let error as ParquetError {
        #expect(error.file != nil)
      }
    }
  }

  @Test(.enabled(if: TestFiles.sharedData != nil, "no conformance files beside the checkout (../shared/data)"))
  func corruptChecksumsAreFoundAndEncryptionIsNamed() throws {
    let root = try #require(TestFiles.conformance)
    for name in ["datapage_v1-corrupt-checksum", "rle-dict-uncompressed-corrupt-checksum"] {
      #expect { try lines(of: try ParquetFile(path: "\(root)/data/\(name).parquet")) } throws: { error in
        (error as? ParquetError)?.kind == .corrupt && "\(error)".contains("checksum")
      }
    }
    let encrypted = TestFiles.list("\(root)/data", suffix: ".encrypted")
    #expect(!encrypted.isEmpty)
    for path in encrypted {
      #expect { try lines(of: try ParquetFile(path: path, options: TestFiles.lenient)) } throws: { ($0 as? ParquetError)?.kind == .notSupported }
    }
  }

  static func dump(_ file: ParquetFile, to path: String) throws {
    guard let out = fopen(path, "w") else { throw ParquetError(.io, "cannot write \(path)") }
    defer { fclose(out) }
    try dumpValues(of: file) { line in
      fputs(line, out)
      fputs("\n", out)
    }
  }
}
