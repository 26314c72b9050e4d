// Role: the options of authentication, with the Spark connector's names verbatim (its misspelt ones too) and a few of our own beside them.

package import DataSource

package enum AuthenticationOptions {
  /// For every source and sink that talks to clusters.
  package static let specs: [OptionSpec] = [
    OptionSpec("kustoAadAppId", .string, "Application (client) id, with kustoAadAppSecret or kutoAadAppCertPath."),
    OptionSpec("kustoAadAppSecret", .string, isSecret: true, "The application's key: env:NAME, file:PATH or the configuration file."),
    OptionSpec("kustoAadAuthorityID", .string, "Tenant id or domain; default for applications: microsoft.com."),
    OptionSpec(
      "kutoAadAppCertPath", .path, aliases: ["kustoAadAppCertPath", "kustoAadAppCertificatePath"], "The application's certificate with its private key: a PFX, P12 or PEM file."),
    OptionSpec(
      "kutoAadAppCertPassword", .string, aliases: ["kustoAadAppCertPassword", "kustoAadAppCertificatePassword"], isSecret: true, "The certificate's password: env:NAME or file:PATH."),
    OptionSpec("kustoAadAppCertSendX5c", .bool, default: "false", "true: the signed assertion carries the certificates (subject name / issuer authentication)."),
    OptionSpec("managedIdentityAuth", .bool, default: "false", "true: the identity of the virtual machine, app or Arc server."),
    OptionSpec("managedIdentityClientId", .string, "The client id of a user-assigned identity; default: the system's."),
    OptionSpec("accessToken", .string, aliases: ["kustoAccessToken"], isSecret: true, "A bearer token, never renewed: env:NAME or file:PATH."),
    OptionSpec("tokenProviderCallbackClasspath", .string, aliases: ["tokenProvider"], "The name under which the program registered a token provider."),
    OptionSpec("keyVaultUri", .string, "A key vault that holds kustoAppId, kustoAppKey and kustoAppAuthority."),
    OptionSpec("keyVaultAppId", .string, "The application that may read the key vault."),
    OptionSpec("keyVaultAppKey", .string, isSecret: true, "That application's key: env:NAME or file:PATH."),
    OptionSpec("keyVaultPemFilePath", .path, support: .notSupported("key vaults opened by a certificate"), "A certificate for the key vault."),
    OptionSpec("keyVaultPemFileKey", .string, isSecret: true, support: .notSupported("key vaults opened by a certificate"), "The password of that certificate."),
    OptionSpec("userPrompt", .bool, default: "false", "true: signs a user in; an address and a code are shown on standard error, as by deviceAuth."),
    OptionSpec("deviceAuth", .bool, default: "false", "true: signs a user in with a code shown on standard error and a browser on any device."),
    OptionSpec("azureCliAuth", .bool, default: "false", "true: the account of 'az login'."),
    OptionSpec("workloadIdentityAuth", .bool, default: "false", "true: a federated token from a file (Kubernetes, CI), for kustoAadAppId or AZURE_CLIENT_ID."),
    OptionSpec("federatedTokenFile", .path, "The file of workloadIdentityAuth; default: AZURE_FEDERATED_TOKEN_FILE."),
    OptionSpec("environmentAuth", .bool, default: "false", "true: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH, AZURE_USERNAME with AZURE_PASSWORD, or AZURE_FEDERATED_TOKEN_FILE."),
    OptionSpec("noAuth", .bool, default: "false", "true: no token is sent."),
    OptionSpec("kustoConnectionString", .string, isSecret: true, "A Kusto connection string: env:NAME, file:PATH or the configuration file."),
    OptionSpec("tokenCache", .path, "A file for tokens, readable by you alone, shared by later runs; default: memory only."),
    OptionSpec("trustedHosts", .string, "Hosts outside the known clouds that may be sent a token: a, .b.c (all below b.c)."),
    OptionSpec("authorityHost", .string, "The sign-in address; default: the one of the cluster's cloud."),
  ]
}
