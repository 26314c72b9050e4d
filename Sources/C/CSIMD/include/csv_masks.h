// Masks for delimited text: where the separator, quotes and line ends of 64 bytes are, which bytes lie inside quotes, and bit positions.
#ifndef KCONNECT_CSV_MASKS_H
#define KCONNECT_CSV_MASKS_H
#include <stdint.h>

typedef struct {
  uint64_t sep, quote, lf, cr;
} csimd_csv_masks_t;

#if defined(__SSE2__)
#include <emmintrin.h>
static inline csimd_csv_masks_t csimd_csv_masks(const uint8_t *_Nonnull p, uint8_t sep, uint8_t quote, uint8_t lf, uint8_t cr) {
  const __m128i vs = _mm_set1_epi8((char)sep), vq = _mm_set1_epi8((char)quote);
  const __m128i vl = _mm_set1_epi8((char)lf), vr = _mm_set1_epi8((char)cr);
  csimd_csv_masks_t m = {0, 0, 0, 0};
  for (int k = 0; k < 4; k++) {
    __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * k));
    m.sep |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vs)) << (16 * k);
    m.quote |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vq)) << (16 * k);
    m.lf |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vl)) << (16 * k);
    m.cr |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vr)) << (16 * k);
  }
  return m;
}
/// The same without carriage returns: `cr` is 0.
static inline csimd_csv_masks_t csimd_csv_masks_lf(const uint8_t *_Nonnull p, uint8_t sep, uint8_t quote, uint8_t lf) {
  const __m128i vs = _mm_set1_epi8((char)sep), vq = _mm_set1_epi8((char)quote), vl = _mm_set1_epi8((char)lf);
  csimd_csv_masks_t m = {0, 0, 0, 0};
  for (int k = 0; k < 4; k++) {
    __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * k));
    m.sep |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vs)) << (16 * k);
    m.quote |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vq)) << (16 * k);
    m.lf |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, vl)) << (16 * k);
  }
  return m;
}
/// Not 0 when any of 64 bytes is not ASCII.
static inline int csimd_any_high64(const uint8_t *_Nonnull p) {
  const __m128i *v = (const __m128i *)p;
  __m128i x = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(v), _mm_loadu_si128(v + 1)), _mm_or_si128(_mm_loadu_si128(v + 2), _mm_loadu_si128(v + 3)));
  return _mm_movemask_epi8(x);
}
#else
static inline int csimd_any_high64(const uint8_t *_Nonnull p) {
  uint8_t x = 0;
  for (int i = 0; i < 64; i++) x |= p[i];
  return x >> 7;
}
static inline csimd_csv_masks_t csimd_csv_masks(const uint8_t *_Nonnull p, uint8_t sep, uint8_t quote, uint8_t lf, uint8_t cr) {
  csimd_csv_masks_t m = {0, 0, 0, 0};
  for (int i = 0; i < 64; i++) {
    m.sep |= (uint64_t)(p[i] == sep) << i, m.quote |= (uint64_t)(p[i] == quote) << i;
    m.lf |= (uint64_t)(p[i] == lf) << i, m.cr |= (uint64_t)(p[i] == cr) << i;
  }
  return m;
}
static inline csimd_csv_masks_t csimd_csv_masks_lf(const uint8_t *_Nonnull p, uint8_t sep, uint8_t quote, uint8_t lf) {
  csimd_csv_masks_t m = csimd_csv_masks(p, sep, quote, lf, lf);
  m.cr = 0;
  return m;
}
#endif

/// Bit i is the parity of bits 0...i: between an opening quote (included) and its closing one (excluded) the bits are set.
static inline uint64_t csimd_prefix_xor(uint64_t x) {
  x ^= x << 1;
  x ^= x << 2;
  x ^= x << 4;
  x ^= x << 8;
  x ^= x << 16;
  x ^= x << 32;
  return x;
}

/// Writes base + i for every set bit i, ascending, and returns how many there are; `out` has room for 64 entries (8 are always written).
static inline long csimd_bit_positions(uint32_t *_Nonnull out, uint32_t base, uint64_t bits) {
  const uint64_t top = 1ull << 63;
  long count = __builtin_popcountll(bits);
  for (int k = 0; k < 8; k++) {
    out[k] = base + (uint32_t)__builtin_ctzll(bits | top);
    bits &= bits - 1;
  }
  if (count > 8) {
    for (int k = 8; k < 16; k++) {
      out[k] = base + (uint32_t)__builtin_ctzll(bits | top);
      bits &= bits - 1;
    }
    for (long k = 16; k < count; k++) {
      out[k] = base + (uint32_t)__builtin_ctzll(bits);
      bits &= bits - 1;
    }
  }
  return count;
}
#endif
