// Role: the configuration file of a command: found, read, checked against what the sources declare.

import Settings
import DataSource
import KConnect

extension ConfigurationFile {
  /// The file that `--config` names, else `KCONNECT_CONFIG`, else the user's or the machine's; none: all defaults. Throws CONFIGURATION.
  static func load(path: String?, profile: String?) throws -> ConfigurationFile {
    guard let path = path ?? ConfigurationSearch.path() else {
      if let profile {
        throw KConnectError(.configuration, "--profile '\(profile)': no configuration file", hint: "name it with --config FILE or KCONNECT_CONFIG")
      }
      return ConfigurationFile()
    }
    return try ConfigurationFile(path: path, profile: profile, isSecret: { Secrets.isSecret($0) }) { try BuiltInSources.registry.provider($0).options }
  }
}

/// What a locator argument stands for: itself, or one of the file's [sources].
struct SourceArgument {
  let locator: String
  let schema: String?
  let options: [(String, String)]

  init(_ text: String, _ configuration: ConfigurationFile) throws {
    let named = configuration.source(text)
    locator = named?.from ?? text
    schema = named?.schema
    options = try named?.options.map { try $0.revealed() } ?? []
  }
}
