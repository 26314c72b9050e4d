// Role: where a log really stands when its directory is a copy of it, such as one of a store of objects.

/// Thread-safe.
package protocol LogOrigin: Sendable {
  /// Brings into the copy what has come since. `whole`: also what the newest checkpoint stands for.
  func pull(whole: Bool) throws
  /// Puts a commit in place; false when somebody has that name.
  func put(_ text: String, name: String) throws -> Bool
  /// Sends a file of the copy; `name` is relative to the table.
  func send(_ name: String, replaces: Bool) throws
  /// Removes a file that was sent; what cannot be removed stays as a file that no version names.
  func remove(_ name: String)
}
