// What one decoding thread keeps between row groups: codec working memory and counters.
package import Codecs

/// Working memory of one decoding thread. Not thread-safe; create one per thread and pass it to every row group that thread reads.
package final class DecodeContext {
  /// Counters since creation.
  package struct Counters: Sendable {
    package var bytesRead = 0
    package var pagesDecoded = 0
    /// Data pages passed over without decompression.
    package var pagesSkipped = 0
    package var bytesDecompressed = 0
    package init() {}
  }

  package let codecs = CodecContext()
  package var counters = Counters()
  private var spare: [ScratchBuffer] = []

  package init() {}

  /// A scratch buffer, used before where possible.
  func takeScratch() -> ScratchBuffer { spare.popLast() ?? ScratchBuffer() }

  /// Keeps a buffer for the next column; huge ones give their memory back.
  func giveBack(_ scratch: ScratchBuffer) {
    scratch.trim(above: 4 << 20)
    if spare.count < 64 { spare.append(scratch) }
  }
}
