#include "csimd_range.h"

#define TAIL(p, from, n, lo, hi, out)                                        \
  do {                                                                       \
    uint64_t m = 0;                                                          \
    for (size_t t_ = (from); t_ < (n); t_++)                                    \
      m |= (uint64_t)((p)[t_] >= (lo) && (p)[t_] <= (hi)) << (t_ - (from));     \
    if ((from) < (n)) (out)[(from) >> 6] = m;                                \
  } while (0)

#define PLAIN(name, T)                                                       \
  static void name(const T *p, size_t n, T lo, T hi, uint64_t *out) {        \
    size_t i = 0;                                                            \
    for (; i + 64 <= n; i += 64) {                                           \
      uint64_t m = 0;                                                        \
      for (int k = 0; k < 64; k++)                                           \
        m |= (uint64_t)((p[i + k] >= lo) & (p[i + k] <= hi)) << k;           \
      out[i >> 6] = m;                                                       \
    }                                                                        \
    TAIL(p, i, n, lo, hi, out);                                              \
  }

PLAIN(plain_i64, int64_t)
PLAIN(plain_i32, int32_t)
PLAIN(plain_f64, double)

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))

AVX2 static void avx2_i64(const int64_t *p, size_t n, int64_t lo, int64_t hi, uint64_t *out) {
  const __m256i l = _mm256_set1_epi64x(lo), h = _mm256_set1_epi64x(hi);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    uint64_t bad = 0;
    for (int k = 0; k < 64; k += 4) {
      __m256i x = _mm256_loadu_si256((const __m256i *)(p + i + k));
      __m256i b = _mm256_or_si256(_mm256_cmpgt_epi64(l, x), _mm256_cmpgt_epi64(x, h));
      bad |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(b)) << k;
    }
    out[i >> 6] = ~bad;
  }
  TAIL(p, i, n, lo, hi, out);
}

AVX2 static void avx2_i32(const int32_t *p, size_t n, int32_t lo, int32_t hi, uint64_t *out) {
  const __m256i l = _mm256_set1_epi32(lo), h = _mm256_set1_epi32(hi);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    uint64_t bad = 0;
    for (int k = 0; k < 64; k += 8) {
      __m256i x = _mm256_loadu_si256((const __m256i *)(p + i + k));
      __m256i b = _mm256_or_si256(_mm256_cmpgt_epi32(l, x), _mm256_cmpgt_epi32(x, h));
      bad |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(b)) << k;
    }
    out[i >> 6] = ~bad;
  }
  TAIL(p, i, n, lo, hi, out);
}

AVX2 static void avx2_f64(const double *p, size_t n, double lo, double hi, uint64_t *out) {
  const __m256d l = _mm256_set1_pd(lo), h = _mm256_set1_pd(hi);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    uint64_t good = 0;
    for (int k = 0; k < 64; k += 4) {
      __m256d x = _mm256_loadu_pd(p + i + k);
      __m256d g = _mm256_and_pd(_mm256_cmp_pd(x, l, _CMP_GE_OQ), _mm256_cmp_pd(x, h, _CMP_LE_OQ));
      good |= (uint64_t)(unsigned)_mm256_movemask_pd(g) << k;
    }
    out[i >> 6] = good;
  }
  TAIL(p, i, n, lo, hi, out);
}

#define DISPATCH(T, suffix)                                                                       \
  void csimd_range_##suffix(const T *p, size_t n, T lo, T hi, uint64_t *out) {                    \
    if (__builtin_cpu_supports("avx2")) avx2_##suffix(p, n, lo, hi, out);                         \
    else plain_##suffix(p, n, lo, hi, out);                                                       \
  }
#else
#define DISPATCH(T, suffix)                                                                       \
  void csimd_range_##suffix(const T *p, size_t n, T lo, T hi, uint64_t *out) { plain_##suffix(p, n, lo, hi, out); }
#endif

DISPATCH(int64_t, i64)
DISPATCH(int32_t, i32)
DISPATCH(double, f64)
