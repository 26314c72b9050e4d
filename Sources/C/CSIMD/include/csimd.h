// Byte masks: 64 bytes in, one 64-bit mask out (bit i = byte i matches). SSE2 on x86-64, NEON on arm64, plain C elsewhere.
// Header-only, so that Swift inlines every function; keep it tiny.
#ifndef KCONNECT_CSIMD_H
#define KCONNECT_CSIMD_H
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include "csv_masks.h"
#include "text_tables.h"
#include "csimd_find.h"
#include "csimd_range.h"

#if defined(__SSE2__)
#include <emmintrin.h>
static inline uint64_t csimd_mask64_eq(const uint8_t *_Nonnull p, uint8_t a) {
  const __m128i va = _mm_set1_epi8((char)a);
  uint64_t m = 0;
  for (int k = 0; k < 4; k++) {
    __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * k));
    m |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, va)) << (16 * k);
  }
  return m;
}
static inline uint64_t csimd_mask64_eq3(const uint8_t *_Nonnull p, uint8_t a, uint8_t b, uint8_t c) {
  const __m128i va = _mm_set1_epi8((char)a), vb = _mm_set1_epi8((char)b), vc = _mm_set1_epi8((char)c);
  uint64_t m = 0;
  for (int k = 0; k < 4; k++) {
    __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * k));
    __m128i e = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, va), _mm_cmpeq_epi8(x, vb)), _mm_cmpeq_epi8(x, vc));
    m |= (uint64_t)(uint32_t)_mm_movemask_epi8(e) << (16 * k);
  }
  return m;
}
/// Bytes >= 0x80 (not ASCII).
static inline uint64_t csimd_mask64_high(const uint8_t *_Nonnull p) {
  uint64_t m = 0;
  for (int k = 0; k < 4; k++) {
    __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * k));
    m |= (uint64_t)(uint32_t)_mm_movemask_epi8(x) << (16 * k);
  }
  return m;
}
#else
static inline uint64_t csimd_mask64_eq(const uint8_t *_Nonnull p, uint8_t a) {
  uint64_t m = 0;
  for (int i = 0; i < 64; i++) m |= (uint64_t)(p[i] == a) << i;
  return m;
}
static inline uint64_t csimd_mask64_eq3(const uint8_t *_Nonnull p, uint8_t a, uint8_t b, uint8_t c) {
  uint64_t m = 0;
  for (int i = 0; i < 64; i++) m |= (uint64_t)(p[i] == a || p[i] == b || p[i] == c) << i;
  return m;
}
static inline uint64_t csimd_mask64_high(const uint8_t *_Nonnull p) {
  uint64_t m = 0;
  for (int i = 0; i < 64; i++) m |= (uint64_t)(p[i] >> 7) << i;
  return m;
}
#endif
#include "parquet_unpack.h"

// Marks of this thread: csimd_set_mark sets the one there is, csimd_take_mark answers whether it was set and clears it.
void csimd_set_mark(void);
bool csimd_take_mark(void);
#endif
