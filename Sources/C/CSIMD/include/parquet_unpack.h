// Bit unpacking and byte un-transposition for Parquet encodings. Little-endian bit order (first value in the low bits).
// Every function may READ up to 8 bytes behind the packed input: callers keep 64 readable bytes behind every page.
#ifndef KCONNECT_PARQUET_UNPACK_H
#define KCONNECT_PARQUET_UNPACK_H
#include <stdint.h>
#include <stddef.h>
#include <string.h>

static inline __attribute__((always_inline)) uint64_t pq_load64(const uint8_t *_Nonnull p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return v;
}

// Eight values of a constant width w in 1...32 from w bytes.
static inline __attribute__((always_inline)) void pq_unpack8_const(const uint8_t *_Nonnull in, uint32_t *_Nonnull out, const int w) {
  const uint32_t mask = w == 32 ? 0xFFFFFFFFu : ((1u << w) - 1u);
  if (w <= 8) {
    const uint64_t v = pq_load64(in);
    for (int i = 0; i < 8; i++) out[i] = (uint32_t)(v >> (i * w)) & mask;
  } else if (w <= 16) {
    const uint64_t a = pq_load64(in), b = pq_load64(in + ((4 * w) >> 3)) >> ((4 * w) & 7);
    for (int i = 0; i < 4; i++) out[i] = (uint32_t)(a >> (i * w)) & mask;
    for (int i = 0; i < 4; i++) out[4 + i] = (uint32_t)(b >> (i * w)) & mask;
  } else {
    for (int i = 0; i < 8; i++) out[i] = (uint32_t)(pq_load64(in + ((i * w) >> 3)) >> ((i * w) & 7)) & mask;
  }
}

#define PQ_CASE(W) \
  case W: for (size_t g = 0; g < groups; g++) pq_unpack8_const(in + g * W, out + g * 8, W); break;

/// `groups` groups of eight values of `width` (0...32) bits each.
static inline void pq_unpack32(const uint8_t *_Nonnull in, uint32_t *_Nonnull out, size_t groups, int width) {
  switch (width) {
    case 0: memset(out, 0, groups * 8 * sizeof(uint32_t)); break;
    PQ_CASE(1) PQ_CASE(2) PQ_CASE(3) PQ_CASE(4) PQ_CASE(5) PQ_CASE(6) PQ_CASE(7) PQ_CASE(8)
    PQ_CASE(9) PQ_CASE(10) PQ_CASE(11) PQ_CASE(12) PQ_CASE(13) PQ_CASE(14) PQ_CASE(15) PQ_CASE(16)
    PQ_CASE(17) PQ_CASE(18) PQ_CASE(19) PQ_CASE(20) PQ_CASE(21) PQ_CASE(22) PQ_CASE(23) PQ_CASE(24)
    PQ_CASE(25) PQ_CASE(26) PQ_CASE(27) PQ_CASE(28) PQ_CASE(29) PQ_CASE(30) PQ_CASE(31) PQ_CASE(32)
    default: break;
  }
}
#undef PQ_CASE

/// One value of `width` (0...64) bits that starts at bit `bit` of `in`.
static inline __attribute__((always_inline)) uint64_t pq_extract(const uint8_t *_Nonnull in, size_t bit, int width) {
  if (width == 0) return 0;
  const uint8_t *p = in + (bit >> 3);
  const int shift = (int)(bit & 7);
  uint64_t v = pq_load64(p) >> shift;
  if (shift + width > 64) v |= (uint64_t)p[8] << (64 - shift);
  return width == 64 ? v : v & ((1ull << width) - 1);
}

/// `count` values of `width` (0...64) bits, from bit 0 of `in`.
static inline void pq_unpack64(const uint8_t *_Nonnull in, uint64_t *_Nonnull out, size_t count, int width) {
  if (width == 0) {
    memset(out, 0, count * sizeof(uint64_t));
  } else if (width <= 56) {
    const uint64_t mask = (1ull << width) - 1;
    size_t bit = 0;
    for (size_t i = 0; i < count; i++, bit += (size_t)width) out[i] = (pq_load64(in + (bit >> 3)) >> (bit & 7)) & mask;
  } else {
    for (size_t i = 0; i < count; i++) out[i] = pq_extract(in, i * (size_t)width, width);
  }
}

/// Largest of `count` values; 0 for none.
static inline uint32_t pq_max32(const uint32_t *_Nonnull v, size_t count) {
  uint32_t m = 0;
  for (size_t i = 0; i < count; i++) m = v[i] > m ? v[i] : m;
  return m;
}

/// Undoes BYTE_STREAM_SPLIT for values [first, first + count) of a page of `total` values of `width` bytes.
static inline void pq_unsplit(const uint8_t *_Nonnull in, uint8_t *_Nonnull out, size_t total, size_t first, size_t count, size_t width) {
  if (width == 4) {
    const uint8_t *a = in + first, *b = a + total, *c = b + total, *d = c + total;
    for (size_t i = 0; i < count; i++) {
      const uint32_t v = (uint32_t)a[i] | (uint32_t)b[i] << 8 | (uint32_t)c[i] << 16 | (uint32_t)d[i] << 24;
      memcpy(out + 4 * i, &v, 4);
    }
  } else if (width == 8) {
    for (size_t i = 0; i < count; i++) {
      uint64_t v = 0;
      for (int k = 0; k < 8; k++) v |= (uint64_t)in[first + i + (size_t)k * total] << (8 * k);
      memcpy(out + 8 * i, &v, 8);
    }
  } else {
    for (size_t k = 0; k < width; k++)
      for (size_t i = 0; i < count; i++) out[i * width + k] = in[first + i + k * total];
  }
}
#endif
