// Role: decimals far outside the exact range of doubles, by way of the C library's correctly rounded strtod.

#if canImport(Glibc)
import Glibc
#endif

/// The double nearest to a decimal of any scale.
// SAFETY: both strings live, zero-terminated, for the call.
func strtodOfDecimal(_ value: DecimalValue) -> Double { unsafe strtod("\(value.coefficient)e\(-Int(value.scale))", nil) }
