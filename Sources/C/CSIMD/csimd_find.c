#include "csimd_find.h"
#include <string.h>

static inline int matches(const uint8_t *h, const csimd_needle *d) {
  if (!d->folds) return memcmp(h, d->text, d->length) == 0;
  for (size_t i = 0; i < d->length; i++)
    if ((h[i] | d->folds[i]) != d->text[i]) return 0;
  return 1;
}

static ptrdiff_t plain_find(const uint8_t *h, size_t n, size_t from, const csimd_needle *d) {
  if (n < d->length) return -1;
  const uint8_t a = d->text[d->first], f = d->folds ? d->folds[d->first] : 0;
  for (size_t i = from; i <= n - d->length; i++)
    if ((h[i + d->first] | f) == a && matches(h + i, d)) return (ptrdiff_t)i;
  return -1;
}

#if defined(__x86_64__)
#include <immintrin.h>
__attribute__((target("avx2")))
static ptrdiff_t avx2_find(const uint8_t *h, size_t n, size_t from, const csimd_needle *d) {
  if (n < d->length) return -1;
  const size_t end = n - d->length + 1;  // candidates lie below
  const __m256i va = _mm256_set1_epi8((char)d->text[d->first]), vb = _mm256_set1_epi8((char)d->text[d->second]);
  const __m256i fa = _mm256_set1_epi8((char)(d->folds ? d->folds[d->first] : 0));
  const __m256i fb = _mm256_set1_epi8((char)(d->folds ? d->folds[d->second] : 0));
  const uint8_t *pa = h + d->first, *pb = h + d->second;
  size_t i = from;
  for (; i + 64 <= end; i += 64) {
    __m256i a0 = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(pa + i)), fa);
    __m256i b0 = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(pb + i)), fb);
    __m256i a1 = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(pa + i + 32)), fa);
    __m256i b1 = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(pb + i + 32)), fb);
    __m256i m0 = _mm256_and_si256(_mm256_cmpeq_epi8(a0, va), _mm256_cmpeq_epi8(b0, vb));
    __m256i m1 = _mm256_and_si256(_mm256_cmpeq_epi8(a1, va), _mm256_cmpeq_epi8(b1, vb));
    if (__builtin_expect(_mm256_testz_si256(_mm256_or_si256(m0, m1), _mm256_or_si256(m0, m1)), 1)) continue;
    uint64_t m = (uint64_t)(uint32_t)_mm256_movemask_epi8(m0) | (uint64_t)(uint32_t)_mm256_movemask_epi8(m1) << 32;
    while (m) {
      size_t p = i + (size_t)__builtin_ctzll(m);
      if (matches(h + p, d)) return (ptrdiff_t)p;
      m &= m - 1;
    }
  }
  for (; i < end; i++)
    if ((pa[i] | (d->folds ? d->folds[d->first] : 0)) == d->text[d->first] && matches(h + i, d)) return (ptrdiff_t)i;
  return -1;
}

ptrdiff_t csimd_find(const uint8_t *h, size_t n, size_t from, const csimd_needle *d) {
  return __builtin_cpu_supports("avx2") ? avx2_find(h, n, from, d) : plain_find(h, n, from, d);
}
#else
ptrdiff_t csimd_find(const uint8_t *h, size_t n, size_t from, const csimd_needle *d) { return plain_find(h, n, from, d); }
#endif
