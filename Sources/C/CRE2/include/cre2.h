// A thin C face of RE2: compile, match, capture positions, error text. No logic.
#ifndef KCONNECT_CRE2_H
#define KCONNECT_CRE2_H
#include <stdbool.h>
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef struct kcre2 kcre2;
typedef struct { const char *_Nullable start; ptrdiff_t length; } kcre2_span;
/// Never NULL; check kcre2_ok. `case_insensitive` is (?i) for the whole pattern.
kcre2 *_Nonnull kcre2_new(const char *_Nonnull pattern, size_t length, bool case_insensitive);
void kcre2_free(kcre2 *_Nonnull re);
bool kcre2_ok(const kcre2 *_Nonnull re);
const char *_Nonnull kcre2_error(const kcre2 *_Nonnull re);
int kcre2_group_count(const kcre2 *_Nonnull re);
/// The number of the named group, or -1.
int kcre2_group_named(const kcre2 *_Nonnull re, const char *_Nonnull name, size_t length);
/// Unanchored match in text[from..<length]; fills up to `count` spans (0 = whole match). Unmatched groups have start NULL.
bool kcre2_match(const kcre2 *_Nonnull re, const char *_Nonnull text, size_t length, size_t from, kcre2_span *_Nullable spans, int count);
#ifdef __cplusplus
}
#endif
#endif
