// Typed wrappers around the variadic curl_easy_setopt / getinfo, which Swift cannot call. No logic.
#ifndef KCONNECT_CCURL_H
#define KCONNECT_CCURL_H
#include <curl/curl.h>
static inline CURLcode kccurl_set_string(CURL *_Nonnull c, CURLoption o, const char *_Nullable v) { return curl_easy_setopt(c, o, v); }
static inline CURLcode kccurl_set_long(CURL *_Nonnull c, CURLoption o, long v) { return curl_easy_setopt(c, o, v); }
static inline CURLcode kccurl_set_offset(CURL *_Nonnull c, CURLoption o, curl_off_t v) { return curl_easy_setopt(c, o, v); }
static inline CURLcode kccurl_set_pointer(CURL *_Nonnull c, CURLoption o, void *_Nullable v) { return curl_easy_setopt(c, o, v); }
typedef size_t (*kccurl_data_callback)(char *_Nonnull data, size_t size, size_t count, void *_Nullable context);
static inline CURLcode kccurl_set_callback(CURL *_Nonnull c, CURLoption o, kccurl_data_callback _Nullable v) { return curl_easy_setopt(c, o, v); }
static inline CURLcode kccurl_get_long(CURL *_Nonnull c, CURLINFO i, long *_Nonnull v) { return curl_easy_getinfo(c, i, v); }
static inline CURLcode kccurl_get_string(CURL *_Nonnull c, CURLINFO i, const char *_Nullable *_Nonnull v) { return curl_easy_getinfo(c, i, v); }
#endif
