// Role: the one place where threads are started.

#if canImport(Glibc)
import Glibc
#endif

/// A thread of the operating system. It is joined or detached, once.
package struct SystemThread: Sendable {
  private let handle: pthread_t

  /// Starts `body`. `stackSize`: bytes, a multiple of the page size; nil: the system's. Throws IO, retryable, when the system gives no thread.
  package init(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) throws {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    if let stackSize { unsafe pthread_attr_setstacksize(&attributes, stackSize) }
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    // SAFETY: the box is retained for the thread, which takes it over; where there is no thread it is released here.
    let code = unsafe pthread_create(
      &thread, &attributes,
      { raw in
        guard let raw = unsafe raw else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
        return nil
      }, unsafe box.toOpaque())
    guard code == 0 else {
      unsafe box.release()
      throw KConnectError(.io, "cannot start a thread: \(unsafe String(cString: strerror(code)))", isRetryable: true)
    }
    handle = thread
  }

  /// Starts `body` on a thread nobody waits for; false when the system gives none.
  package static func start(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) -> Bool {
    do {
      pthread_detach(try SystemThread(stackSize: stackSize, body).handle)
      return true
    } catch { return false }
  }

  /// Waits for the end; called once.
  package func join() {
    _ = pthread_join(handle, nil)
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
