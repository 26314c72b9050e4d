// libcurl, loaded when the first transfer starts: its own libraries (TLS, LDAP, Kerberos, …) would triple the start-up time of every command.
// Typed wrappers around the variadic setopt and getinfo, which Swift cannot call. No logic.
#ifndef KCONNECT_CCURL_H
#define KCONNECT_CCURL_H
#include <curl/curl.h>
#include <stdbool.h>

/// Loads libcurl.so.4 and initialises it once; false when it is not installed (`kccurl_load_error` says why). Thread-safe.
bool kccurl_load(void);
const char *_Nonnull kccurl_load_error(void);

// Call the rest only after kccurl_load() returned true.
CURL *_Nullable kccurl_init(void);
void kccurl_cleanup(CURL *_Nonnull c);
void kccurl_reset(CURL *_Nonnull c);
CURLcode kccurl_perform(CURL *_Nonnull c);
const char *_Nonnull kccurl_error_text(CURLcode code);
struct curl_slist *_Nullable kccurl_list_append(struct curl_slist *_Nullable list, const char *_Nonnull text);
void kccurl_list_free(struct curl_slist *_Nullable list);

typedef size_t (*kccurl_data_callback)(char *_Nonnull data, size_t size, size_t count, void *_Nullable context);
typedef int (*kccurl_progress_callback)(void *_Nullable context, curl_off_t total_down, curl_off_t down, curl_off_t total_up, curl_off_t up);
CURLcode kccurl_set_string(CURL *_Nonnull c, CURLoption o, const char *_Nullable v);
CURLcode kccurl_set_long(CURL *_Nonnull c, CURLoption o, long v);
CURLcode kccurl_set_offset(CURL *_Nonnull c, CURLoption o, curl_off_t v);
CURLcode kccurl_set_pointer(CURL *_Nonnull c, CURLoption o, void *_Nullable v);
CURLcode kccurl_set_callback(CURL *_Nonnull c, CURLoption o, kccurl_data_callback _Nullable v);
CURLcode kccurl_set_progress(CURL *_Nonnull c, kccurl_progress_callback _Nullable v);
CURLcode kccurl_get_long(CURL *_Nonnull c, CURLINFO i, long *_Nonnull v);
CURLcode kccurl_get_offset(CURL *_Nonnull c, CURLINFO i, curl_off_t *_Nonnull v);
CURLcode kccurl_get_string(CURL *_Nonnull c, CURLINFO i, const char *_Nullable *_Nonnull v);
#endif
