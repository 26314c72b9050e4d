// Role: the terminal while a line is edited: no echo, no line buffering, keys as bytes. Outside of editing it is as it was, so that queries run
// in an ordinary terminal where Ctrl-C is a signal.

#if canImport(Glibc)
import Glibc
#endif
import Synchronization

enum RawTerminal {
  /// The settings to go back to while a line is edited.
  private static let before = Mutex<termios?>(nil)

  /// Runs `body` with keys as bytes; the old settings come back at the end.
  static func editing<R>(_ body: () throws -> R) rethrows -> R {
    var saved = termios()
    // SAFETY: tcgetattr fills `saved`; tcsetattr only reads its argument.
    guard unsafe tcgetattr(0, &saved) == 0 else { return try body() }
    before.withLock { $0 = saved }
    var raw = saved
    raw.c_iflag &= ~tcflag_t(BRKINT | ICRNL | INPCK | ISTRIP | IXON)
    raw.c_lflag &= ~tcflag_t(ECHO | ICANON | IEXTEN | ISIG)
    raw.c_cflag |= tcflag_t(CS8)
    unsafe tcsetattr(0, TCSADRAIN, &raw)
    write("\u{1B}[?2004h")
    defer { restore() }
    return try body()
  }

  /// Gives the terminal its settings back, also from another thread when the process ends.
  static func restore() {
    guard var saved = before.withLock({ $0.take() }) else { return }
    write("\u{1B}[?2004l")
    // SAFETY: tcsetattr only reads its argument.
    unsafe tcsetattr(0, TCSADRAIN, &saved)
  }

  /// The next byte of standard input; nil at its end, or when none follows within 50 ms and `waits` is false.
  static func byte(waits: Bool) -> UInt8? {
    if !waits {
      var waiting = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      // SAFETY: poll reads and fills one descriptor during the call.
      guard unsafe poll(&waiting, 1, 50) == 1 else { return nil }
    }
    var byte: UInt8 = 0
    while true {
      // SAFETY: read writes at most one byte into `byte`.
      let n = unsafe read(0, &byte, 1)
      if n == 1 { return byte }
      if n < 0, errno == EINTR { continue }
      return nil
    }
  }

  /// Writes to standard output at once.
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count, let base = bytes.baseAddress {
        // SAFETY: `done` is below the count, so the bytes from there on belong to the text.
        let n = unsafe Glibc.write(1, base + done, bytes.count - done)
        if n < 0, errno == EINTR { continue }
        if n <= 0 { return }
        done += n
      }
    }
  }
}
