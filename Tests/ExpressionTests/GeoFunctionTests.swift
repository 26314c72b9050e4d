import Testing

/// Geospatial, XML and user-agent functions as calls: arguments left out, invalid input, values of the Kusto reference.
@Suite struct GeoFunctionTests {
  @Test(arguments: cases) func documented(_ text: String, _ expected: String) { #expect(printed(text) == expected) }
}

private let square = #"dynamic({"type":"Polygon","coordinates":[[[0,0],[0,50],[100,50],[0,0]]]})"#

private let cases: [(String, String)] = [
  ("isnull(geo_distance_2points(300,1,1,1))", "true"),
  ("geo_point_to_geohash(-80.195829, 25.802215, 8)", "dhwfz15h"),
  ("strlen(geo_point_to_geohash(1, 1))", "5"),
  ("isempty(geo_point_to_h3cell(1, 1, 16))", "true"),
  ("geo_point_to_s2cell(-80.195829, 25.802215, 8)", "88d9b"),
  ("geo_point_in_circle(-122.143564, 47.535677, -122.100896, 47.527351, 3500)", "true"),
  ("geo_point_in_circle(-122.137575, 47.630683, -122.100896, 47.527351, 3500)", "false"),
  ("geo_point_in_polygon(30, 45, \(square))", "true"),
  ("geo_point_in_polygon(30, -45, \(square))", "false"),
  ("isnull(geo_point_in_polygon(1, 1, dynamic({})))", "true"),
  ("geo_h3cell_level('862a1072fffffff')", "6"),
  ("geo_h3cell_parent('862a1072fffffff')", "852a1073fffffff"),
  ("isempty(geo_h3cell_parent('862a1072fffffff', 15))", "true"),
  ("array_length(geo_h3cell_children('862a1072fffffff', 9))", "343"),
  ("isnull(geo_h3cell_children('862a1072fffffff', 12))", "true"),
  ("isnull(geo_h3cell_rings('861f8894fffffff', 150))", "true"),
  ("array_length(geo_polygon_to_s2cells(\(square), 5))", "286"),
  ("geo_from_wkt('POINT (1 2)')", #"{"type":"Point","coordinates":[1,2]}"#),
  ("isnull(geo_from_wkt('LINESTRING'))", "true"),
  (#"parse_xml('<e name="value">text</e>')"#, ##"{"e":{"@name":"value","#text":"text"}}"##),
  ("parse_xml('<e> <a>text</a> <a>text</a> </e>')", #"{"e":{"a":["text","text"]}}"#),
  ("parse_xml('<e/>')", #"{"e":null}"#),
  ("isnull(parse_xml('<a><b></a>'))", "true"),
  (#"parse_user_agent("Mozilla/5.0 (Windows; U; en-US) AppleWebKit/531.9 (KHTML, like Gecko) AdobeAIR/2.5.1", "browser")"#,
    #"{"Browser":{"Family":"AdobeAIR","MajorVersion":"2","MinorVersion":"5","Patch":"1"}}"#),
  ("estimate_data_size('1234567890', 1)", "18"),
  ("punycode_domain_from_string('xn--Lin-8na.Celtchair.org')", "Lúin.Celtchair.org"),
  ("punycode_domain_to_string('Riðill｡Skáldskaparmál｡org')", "xn--Riill-jta.xn--Skldskaparml-dbbj.org"),
  ("replace_strings('This is', dynamic(['is', 'This']), dynamic(['was', 'This']))", "Thwas was"),
  ("replace_strings('This is', dynamic(['This', 'is']), dynamic(['This', 'was']))", "This was"),
  ("parse_ipv6_mask('::192.168.255.255', 128)", "0000:0000:0000:0000:0000:ffff:c0a8:ffff"),
  ("datetime_local_to_utc(datetime(2022-03-27 02:00:00), 'Europe/Brussels')", "2022-03-27T00:00:00.0000000Z"),
]
