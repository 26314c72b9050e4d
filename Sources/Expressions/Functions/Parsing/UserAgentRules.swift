// Role: what user-agent texts of browsers, systems and devices look like: patterns tried in order, the first that occurs wins.
// Family, brand and model may name groups as $1; the version is the groups from `version` on.

/// A pattern and what it tells.
struct UserAgentRule: Sendable {
  let pattern: String
  let family: String
  /// The first group of the version; groups that did not match are empty.
  var version = 2
  var brand = ""
  var model = ""

  init(_ pattern: String, _ family: String = "$1", version: Int = 2, brand: String = "", model: String = "") {
    self.pattern = pattern
    self.family = family
    self.version = version
    self.brand = brand
    self.model = model
  }
}

private let number = #"(\d+)(?:\.(\d+))?(?:\.(\d+))?"#

/// Most particular first: nearly all browsers also name Mozilla, Safari or Chrome.
let browserRules: [UserAgentRule] = [
  UserAgentRule(#"(AdobeAIR|Iceweasel|Camino|SeaMonkey|Epiphany|Konqueror|Lynx|curl|Wget|PostmanRuntime|okhttp|axios|Electron|Vivaldi|YaBrowser|Whale|Maxthon|Puffin|Thunderbird)/"# + number),
  UserAgentRule(#"(?i)(Googlebot|bingbot|YandexBot|Baiduspider|DuckDuckBot|Applebot|facebookexternalhit|Twitterbot|AhrefsBot|SemrushBot|LinkedInBot)(?:[/-]"# + number + ")?"),
  UserAgentRule(#"(python-requests|Python-urllib|Go-http-client|Java|Apache-HttpClient|node-fetch)/"# + number),
  UserAgentRule(#"Edg/"# + number, "Edge", version: 1),
  UserAgentRule(#"(?:EdgA|EdgiOS)/"# + number, "Edge Mobile", version: 1),
  UserAgentRule(#"Edge/"# + number, "Edge", version: 1),
  UserAgentRule(#"(?:OPR|Opera)/.*Version/"# + number, "Opera", version: 1),
  UserAgentRule(#"Opera Mini(?:/att)?/"# + number, "Opera Mini", version: 1),
  UserAgentRule(#"(?:OPR|Opera)[/ ]"# + number, "Opera", version: 1),
  UserAgentRule(#"SamsungBrowser/"# + number, "Samsung Internet", version: 1),
  UserAgentRule(#"UC ?Browser/?"# + number, "UC Browser", version: 1),
  UserAgentRule(#"(?:FBAN|FBAV)/[^;]*;?.*FBAV/"# + number, "Facebook", version: 1),
  UserAgentRule(#"Instagram "# + number, "Instagram", version: 1),
  UserAgentRule(#"Series60/5\.0"#, "Nokia Browser", version: 9),
  UserAgentRule(#"Series60/"# + number, "Nokia OSS Browser", version: 1),
  UserAgentRule(#"(?:BlackBerry|BB10|PlayBook).*Version/"# + number, "BlackBerry WebKit", version: 1),
  UserAgentRule(#"(?:Mobile|Tablet);.*Firefox/"# + number, "Firefox Mobile", version: 1),
  UserAgentRule(#"FxiOS/"# + number, "Firefox iOS", version: 1),
  UserAgentRule(#"Firefox/"# + number, "Firefox", version: 1),
  UserAgentRule(#"CriOS/"# + number, "Chrome Mobile iOS", version: 1),
  UserAgentRule(#"HeadlessChrome/"# + number, "HeadlessChrome", version: 1),
  UserAgentRule(#"Version/[\d.]+ Chrome/"# + number + #".* Mobile"#, "Chrome Mobile WebView", version: 1),
  UserAgentRule(#"Chrome/"# + number + #"\S* Mobile"#, "Chrome Mobile", version: 1),
  UserAgentRule(#"Chromium/"# + number, "Chromium", version: 1),
  UserAgentRule(#"Chrome/"# + number, "Chrome", version: 1),
  UserAgentRule(#"IEMobile[ /]"# + number, "IE Mobile", version: 1),
  UserAgentRule(#"MSIE "# + number, "IE", version: 1),
  UserAgentRule(#"Trident/.*rv:"# + number, "IE", version: 1),
  UserAgentRule(#"Android.*Version/"# + number + #".*Safari"#, "Android", version: 1),
  UserAgentRule(#"(?:iPod|iPhone|iPad).*Version/"# + number + #".*Safari"#, "Mobile Safari", version: 1),
  UserAgentRule(#"(?:iPod|iPhone|iPad);.*AppleWebKit"#, "Mobile Safari UI/WKWebView", version: 9),
  UserAgentRule(#"Version/"# + number + #".*Safari/"#, "Safari", version: 1),
  UserAgentRule(#"Safari/"#, "Safari", version: 9),
]

let systemRules: [UserAgentRule] = [
  UserAgentRule(#"Windows Phone(?: OS)?[ /]"# + number, "Windows Phone", version: 1),
  UserAgentRule(#"Windows NT 10\.0"#, "Windows", version: 9, model: "10"),
  UserAgentRule(#"Windows NT 6\.3"#, "Windows", version: 9, model: "8.1"),
  UserAgentRule(#"Windows NT 6\.2"#, "Windows", version: 9, model: "8"),
  UserAgentRule(#"Windows NT 6\.1"#, "Windows", version: 9, model: "7"),
  UserAgentRule(#"Windows NT 6\.0"#, "Windows", version: 9, model: "Vista"),
  UserAgentRule(#"Windows (?:NT 5\.[12]|XP)"#, "Windows", version: 9, model: "XP"),
  UserAgentRule(#"Windows (?:NT 5\.0|2000)"#, "Windows", version: 9, model: "2000"),
  UserAgentRule(#"Windows(?: NT)?(?: (95|98|ME|3\.1))?"#, "Windows", version: 1),
  UserAgentRule(#"SymbianOS[/-]"# + number, "Symbian OS", version: 1),
  UserAgentRule(#"Symbian"#, "Symbian OS", version: 9),
  UserAgentRule(#"(?:KAIOS|KaiOS)/"# + number, "KaiOS", version: 1),
  UserAgentRule(#"Tizen[/ ]"# + number, "Tizen", version: 1),
  UserAgentRule(#"Android[ -/]?"# + number, "Android", version: 1),
  UserAgentRule(#"Android"#, "Android", version: 9),
  UserAgentRule(#"(?:iPhone|iPad|iPod).*? OS (\d+)[_.](\d+)(?:[_.](\d+))?"#, "iOS", version: 1),
  UserAgentRule(#"(?:iPhone|iPad|iPod)"#, "iOS", version: 9),
  UserAgentRule(#"Mac OS X (\d+)[_.](\d+)(?:[_.](\d+))?"#, "Mac OS X", version: 1),
  UserAgentRule(#"Mac OS X"#, "Mac OS X", version: 9),
  UserAgentRule(#"CrOS \S+ "# + number, "Chrome OS", version: 1),
  UserAgentRule(#"(?:BB10|BlackBerry).*Version/"# + number, "BlackBerry OS", version: 1),
  UserAgentRule(#"(Ubuntu|Fedora|Debian|Red Hat|SUSE|CentOS|Gentoo|Mint)(?:[/ -]"# + number + ")?"),
  UserAgentRule(#"(FreeBSD|OpenBSD|NetBSD|SunOS)"#, version: 9),
  UserAgentRule(#"Linux(?:[/ ]"# + number + ")?", "Linux", version: 1),
]

let deviceRules: [UserAgentRule] = [
  UserAgentRule(#"(?i)(?:bot|spider|crawler|facebookexternalhit)"#, "Spider", brand: "Spider", model: "Desktop"),
  UserAgentRule(#"Nokia([A-Z]+\d+)([A-Za-z0-9_-]*)"#, "Nokia $1", brand: "Nokia", model: "$1$2"),
  UserAgentRule(#"Nokia ?([A-Za-z0-9_.-]+)"#, "Nokia $1", brand: "Nokia", model: "$1"),
  UserAgentRule(#"(iPad|iPhone|iPod)(\d+,\d+)"#, "$1", brand: "Apple", model: "$1$2"),
  UserAgentRule(#"(iPad|iPhone|iPod)"#, "$1", brand: "Apple", model: "$1"),
  UserAgentRule(#"Macintosh"#, "Mac", brand: "Apple", model: "Mac"),
  UserAgentRule(#"BlackBerry ?(\d+)"#, "BlackBerry $1", brand: "BlackBerry", model: "$1"),
  UserAgentRule(#"; ?((?:SM|GT|SCH|SGH|SHV|SPH)-[A-Za-z0-9]+)"#, "Samsung $1", brand: "Samsung", model: "$1"),
  UserAgentRule(#"; ?((?:Pixel|Nexus)[^;)/]*?)(?: Build[/)]|[;)])"#, "$1", brand: "Google", model: "$1"),
  UserAgentRule(#"; ?(?:HUAWEI|Huawei)[ _-]?([^;)/]+?)(?: Build[/)]|[;)])"#, "Huawei $1", brand: "Huawei", model: "$1"),
  UserAgentRule(#"; ?((?:Redmi|Mi|POCO)[ _][^;)/]+?)(?: Build[/)]|[;)])"#, "XiaoMi $1", brand: "XiaoMi", model: "$1"),
  UserAgentRule(#"; ?(?:HTC)[ _-]?([^;)/]+?)(?: Build[/)]|[;)])"#, "HTC $1", brand: "HTC", model: "$1"),
  UserAgentRule(#"; ?(ONEPLUS [A-Z0-9]+|OnePlus ?[A-Z0-9]+)"#, "$1", brand: "OnePlus", model: "$1"),
  UserAgentRule(#"; ?(LG-[A-Za-z0-9]+|LM-[A-Za-z0-9]+)"#, "$1", brand: "LG", model: "$1"),
  UserAgentRule(#"Android[\s\d.]*; (?:\w\w[-_]\w\w; )?([^;)/]+?) Build[/)]"#, "$1", brand: "Generic_Android", model: "$1"),
  UserAgentRule(#"Android.*Mobile"#, "Generic Smartphone", brand: "Generic", model: "Smartphone"),
  UserAgentRule(#"Android"#, "Generic Tablet", brand: "Generic", model: "Tablet"),
]
