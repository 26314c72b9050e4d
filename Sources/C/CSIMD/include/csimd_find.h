// Substring search over large buffers: two bytes of the needle are looked for at their distance, candidates are then compared.
// Reads only haystack[0..<n]. AVX2 when the processor has it, plain C elsewhere.
#ifndef KCONNECT_CSIMD_FIND_H
#define KCONNECT_CSIMD_FIND_H
#include <stddef.h>
#include <stdint.h>
/// A prepared needle of `length` >= 1 bytes; `first` and `second` are the positions of its two rarest bytes.
/// Folding: `text` holds lower-case ASCII letters, `folds` has 0x20 at letters and 0 elsewhere; a haystack byte b matches when (b | folds[i]) == text[i].
typedef struct {
  const uint8_t *_Nonnull text;
  const uint8_t *_Nullable folds;
  size_t length;
  size_t first, second;
} csimd_needle;
/// The first position >= from where the needle occurs in haystack[from..<n], or -1.
ptrdiff_t csimd_find(const uint8_t *_Nonnull haystack, size_t n, size_t from, const csimd_needle *_Nonnull needle);
#endif
