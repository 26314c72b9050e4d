// Range tests over whole arrays: bit i of `out` is lo <= p[i] && p[i] <= hi. Every comparison of numbers with a constant is such a test.
// `out` has (n + 63) / 64 words; bits beyond n are zero. AVX2 when the processor has it, plain C elsewhere.
#ifndef KCONNECT_CSIMD_RANGE_H
#define KCONNECT_CSIMD_RANGE_H
#include <stddef.h>
#include <stdint.h>
void csimd_range_i64(const int64_t *_Nonnull p, size_t n, int64_t lo, int64_t hi, uint64_t *_Nonnull out);
void csimd_range_i32(const int32_t *_Nonnull p, size_t n, int32_t lo, int32_t hi, uint64_t *_Nonnull out);
/// NaN is in no range.
void csimd_range_f64(const double *_Nonnull p, size_t n, double lo, double hi, uint64_t *_Nonnull out);
#endif
