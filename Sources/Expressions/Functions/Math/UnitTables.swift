// Role: how many base units each unit of convert_*() is. Source: Kusto language reference, "Conversion functions"; values as in UnitsNet.

/// A family of units with a common zero: unit name to factor of the base unit.
struct UnitTable: Sendable {
  let quantity: String
  let factors: [String: Double]
}

private let inch = 0.0254
private let foot = 0.3048
private let pound = 0.45359237
private let gravity = 9.80665
private let thermalUnit = 1055.05585262
private let calorie = 4.184
private let volt = 1.602176565e-19
private let usGallon = 0.003785411784
private let ukGallon = 0.00454609
private let parsec = 3.08567758128e16
private let lightYear = 9.46073047258e15
private let surveyFoot = 1200.0 / 3937.0
private let usOunce = 2.957352956253760505068307980135e-5

let unitTables: [UnitTable] = [
  UnitTable(quantity: "angle", factors: {
    let degree = Double.pi / 180
    return [
      "Arcminute": degree / 60, "Arcsecond": degree / 3600, "Centiradian": 1e-2, "Deciradian": 1e-1, "Degree": degree, "Gradian": degree * 0.9,
      "Microdegree": degree * 1e-6, "Microradian": 1e-6, "Millidegree": degree * 1e-3, "Milliradian": 1e-3, "Nanodegree": degree * 1e-9,
      "Nanoradian": 1e-9, "NatoMil": degree * 9 / 160, "Radian": 1, "Revolution": 2 * Double.pi, "Tilt": Double.pi / 2,
    ]
  }()),
  UnitTable(quantity: "energy", factors: [
    "BritishThermalUnit": thermalUnit, "Calorie": calorie, "DecathermEc": 105505585.262e1, "DecathermImperial": 1.05505585257348e9,
    "DecathermUs": 1.054804e9, "ElectronVolt": volt, "Erg": 1e-7, "FootPound": 1.355817948, "GigabritishThermalUnit": thermalUnit * 1e9,
    "GigaelectronVolt": volt * 1e9, "Gigajoule": 1e9, "GigawattDay": 8.64e13, "GigawattHour": 3.6e12, "HorsepowerHour": 2.6845195377e6, "Joule": 1,
    "KilobritishThermalUnit": thermalUnit * 1e3, "Kilocalorie": calorie * 1e3, "KiloelectronVolt": volt * 1e3, "Kilojoule": 1e3,
    "KilowattDay": 8.64e7, "KilowattHour": 3.6e6, "MegabritishThermalUnit": thermalUnit * 1e6, "Megacalorie": calorie * 1e6,
    "MegaelectronVolt": volt * 1e6, "Megajoule": 1e6, "MegawattDay": 8.64e10, "MegawattHour": 3.6e9, "Millijoule": 1e-3,
    "TeraelectronVolt": volt * 1e12, "TerawattDay": 8.64e16, "TerawattHour": 3.6e15, "ThermEc": 1.05505585262e8, "ThermImperial": 1.05505585257348e8,
    "ThermUs": 1.054804e8, "WattDay": 8.64e4, "WattHour": 3600,
  ]),
  UnitTable(quantity: "force", factors: [
    "Decanewton": 10, "Dyn": 1e-5, "KilogramForce": gravity, "Kilonewton": 1e3, "KiloPond": gravity, "KilopoundForce": 4448.2216152605095,
    "Meganewton": 1e6, "Micronewton": 1e-6, "Millinewton": 1e-3, "Newton": 1, "OunceForce": 0.27801385095378125, "Poundal": 0.138254954376,
    "PoundForce": 4.4482216152605095, "ShortTonForce": 8896.443230521, "TonneForce": gravity * 1e3,
  ]),
  UnitTable(quantity: "length", factors: [
    "Angstrom": 1e-10, "AstronomicalUnit": 1.4959787070e11, "Centimeter": 1e-2, "Chain": 20.1168, "DataMile": 1828.8, "Decameter": 10, "Decimeter": 0.1,
    "DtpPica": inch / 6, "DtpPoint": inch / 72, "Fathom": 1.8288, "Foot": foot, "Hand": 0.1016, "Hectometer": 100, "Inch": inch,
    "KilolightYear": lightYear * 1e3, "Kilometer": 1e3, "Kiloparsec": parsec * 1e3, "LightYear": lightYear, "MegalightYear": lightYear * 1e6,
    "Megaparsec": parsec * 1e6, "Meter": 1, "Microinch": inch * 1e-6, "Micrometer": 1e-6, "Mil": inch * 1e-3, "Mile": 1609.344, "Millimeter": 1e-3,
    "Nanometer": 1e-9, "NauticalMile": 1852, "Parsec": parsec, "PrinterPica": inch / 6.02252, "PrinterPoint": inch / 72.27, "Shackle": 27.432,
    "SolarRadius": 6.95510e8, "Twip": inch / 1440, "UsSurveyFoot": surveyFoot, "Yard": 0.9144,
  ]),
  UnitTable(quantity: "mass", factors: [
    "Centigram": 1e-5, "Decagram": 1e-2, "Decigram": 1e-4, "EarthMass": 5.9722e24, "Grain": 6.479891e-5, "Gram": 1e-3, "Hectogram": 0.1, "Kilogram": 1,
    "Kilopound": pound * 1e3, "Kilotonne": 1e6, "LongHundredweight": 50.80234544, "LongTon": 1016.0469088, "Megapound": pound * 1e6, "Megatonne": 1e9,
    "Microgram": 1e-9, "Milligram": 1e-6, "Nanogram": 1e-12, "Ounce": 0.028349523125, "Pound": pound, "ShortHundredweight": 45.359237,
    "ShortTon": 907.18474, "Slug": 14.593902937206, "SolarMass": 1.98947e30, "Stone": 6.35029318, "Tonne": 1e3,
  ]),
  UnitTable(quantity: "speed", factors: {
    var out: [String: Double] = ["Knot": 1852.0 / 3600, "KilometerPerHour": 1 / 3.6, "KilometerPerMinute": 1000.0 / 60, "KilometerPerSecond": 1e3, "MilePerHour": 0.44704]
    let lengths: [(String, Double)] = [
      ("Centimeter", 1e-2), ("Decimeter", 1e-1), ("Foot", foot), ("Inch", inch), ("Meter", 1), ("Micrometer", 1e-6), ("Millimeter", 1e-3),
      ("Nanometer", 1e-9), ("UsSurveyFoot", surveyFoot), ("Yard", 0.9144),
    ]
    for (name, length) in lengths {
      out[name + "PerHour"] = length / 3600
      out[name + "PerMinute"] = length / 60
      out[name + "PerSecond"] = length
    }
    return out
  }()),
  UnitTable(quantity: "volume", factors: [
    "AcreFoot": 1 / 0.000810714, "AuTablespoon": 2e-5, "BoardFoot": 2.3597372158e-3, "Centiliter": 1e-5, "CubicCentimeter": 1e-6, "CubicDecimeter": 1e-3,
    "CubicFoot": 0.028316846592, "CubicHectometer": 1e6, "CubicInch": 1.6387064e-5, "CubicKilometer": 1e9, "CubicMeter": 1, "CubicMicrometer": 1e-18,
    "CubicMile": 4.16818182544058e9, "CubicMillimeter": 1e-9, "CubicYard": 0.764554857984, "Decaliter": 1e-2, "DecausGallon": usGallon * 10,
    "Deciliter": 1e-4, "DeciusGallon": usGallon / 10, "HectocubicFoot": 2.8316846592, "HectocubicMeter": 100, "Hectoliter": 0.1,
    "HectousGallon": usGallon * 100, "ImperialBeerBarrel": 0.16365924, "ImperialGallon": ukGallon, "ImperialOunce": 2.8413062499962901241875439064617e-5,
    "ImperialPint": 5.6826125e-4, "KilocubicFoot": 28.316846592, "KilocubicMeter": 1e3, "KiloimperialGallon": ukGallon * 1e3, "Kiloliter": 1,
    "KilousGallon": usGallon * 1e3, "Liter": 1e-3, "MegacubicFoot": 28316.846592, "MegaimperialGallon": ukGallon * 1e6, "Megaliter": 1e3,
    "MegausGallon": usGallon * 1e6, "MetricCup": 2.5e-4, "MetricTeaspoon": 5e-6, "Microliter": 1e-9, "Milliliter": 1e-6, "OilBarrel": 0.158987294928,
    "UkTablespoon": 1.5e-5, "UsBeerBarrel": 0.1173477658, "UsCustomaryCup": 2.365882365e-4, "UsGallon": usGallon, "UsLegalCup": 2.4e-4,
    "UsOunce": usOunce, "UsPint": 4.73176473e-4, "UsQuart": 9.46352946e-4, "UsTablespoon": 1.478676478125e-5, "UsTeaspoon": 4.92892159375e-6,
  ]),
]

/// Temperature units: kelvin = (value + shift) * factor.
let temperatureUnits: [String: (shift: Double, factor: Double)] = [
  "DegreeCelsius": (273.15, 1), "DegreeDelisle": (-559.725, -2.0 / 3), "DegreeFahrenheit": (459.67, 5.0 / 9), "DegreeNewton": (90.1395, 100.0 / 33),
  "DegreeRankine": (0, 5.0 / 9), "DegreeReaumur": (218.52, 1.25), "DegreeRoemer": (135.90375, 40.0 / 21), "Kelvin": (0, 1),
  "MillidegreeCelsius": (273_150, 1e-3), "SolarTemperature": (0, 5778),
]
