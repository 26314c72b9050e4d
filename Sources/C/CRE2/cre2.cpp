#include "cre2.h"
#include <re2/re2.h>
#include <vector>

struct kcre2 { re2::RE2 re; kcre2(re2::StringPiece p, const re2::RE2::Options &o) : re(p, o) {} };

extern "C" {
kcre2 *kcre2_new(const char *pattern, size_t length, bool case_insensitive) {
  re2::RE2::Options o;
  o.set_log_errors(false);
  o.set_case_sensitive(!case_insensitive);
  return new kcre2(re2::StringPiece(pattern, length), o);
}
void kcre2_free(kcre2 *re) { delete re; }
bool kcre2_ok(const kcre2 *re) { return re->re.ok(); }
const char *kcre2_error(const kcre2 *re) { return re->re.error().c_str(); }
int kcre2_group_count(const kcre2 *re) { return re->re.NumberOfCapturingGroups(); }
int kcre2_group_named(const kcre2 *re, const char *name, size_t length) {
  const auto &m = re->re.NamedCapturingGroups();
  auto it = m.find(std::string(name, length));
  return it == m.end() ? -1 : it->second;
}
bool kcre2_match(const kcre2 *re, const char *text, size_t length, size_t from, kcre2_span *spans, int count) {
  re2::StringPiece small[17];
  std::vector<re2::StringPiece> large;
  re2::StringPiece *sub = small;
  if (count > 17) { large.resize(count); sub = large.data(); }
  if (!re->re.Match(re2::StringPiece(text, length), from, length, re2::RE2::UNANCHORED, sub, count)) return false;
  for (int i = 0; i < count; i++) { spans[i].start = sub[i].data(); spans[i].length = (ptrdiff_t)sub[i].size(); }
  return true;
}
}
