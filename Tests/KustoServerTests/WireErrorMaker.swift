// Role: errors that an authenticator throws.

import KustoServer
import KustoWire

enum WireErrorMaker {
  static var unauthorized: WireError { .unauthorized("the token is missing") }
}
