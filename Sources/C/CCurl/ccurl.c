#define _GNU_SOURCE
#include "ccurl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

// curl.h turns setopt and getinfo into type-checking macros; the symbols themselves are looked up here.
#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
  CURLcode (*global_init)(long);
  CURL *(*init)(void);
  void (*cleanup)(CURL *);
  void (*reset)(CURL *);
  CURLcode (*perform)(CURL *);
  const char *(*error_text)(CURLcode);
  struct curl_slist *(*list_append)(struct curl_slist *, const char *);
  void (*list_free)(struct curl_slist *);
  CURLcode (*setopt)(CURL *, CURLoption, ...);
  CURLcode (*getinfo)(CURL *, CURLINFO, ...);
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded = false;
static char load_error[256] = "libcurl was not asked for";

static void load(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    strncpy(load_error, dlerror(), sizeof load_error - 1);
    return;
  }
#define FIND(field, name)                                                   \
  *(void **)&curl.field = dlsym(library, name);                             \
  if (!curl.field) { strncpy(load_error, "libcurl lacks " name, sizeof load_error - 1); return; }
  FIND(global_init, "curl_global_init")
  FIND(init, "curl_easy_init")
  FIND(cleanup, "curl_easy_cleanup")
  FIND(reset, "curl_easy_reset")
  FIND(perform, "curl_easy_perform")
  FIND(error_text, "curl_easy_strerror")
  FIND(list_append, "curl_slist_append")
  FIND(list_free, "curl_slist_free_all")
  FIND(setopt, "curl_easy_setopt")
  FIND(getinfo, "curl_easy_getinfo")
#undef FIND
  is_loaded = curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool kccurl_load(void) {
  pthread_once(&once, load);
  return is_loaded;
}
const char *kccurl_load_error(void) { return load_error; }
CURL *kccurl_init(void) { return curl.init(); }
void kccurl_cleanup(CURL *c) { curl.cleanup(c); }
void kccurl_reset(CURL *c) { curl.reset(c); }
CURLcode kccurl_perform(CURL *c) { return curl.perform(c); }
const char *kccurl_error_text(CURLcode code) { return curl.error_text(code); }
struct curl_slist *kccurl_list_append(struct curl_slist *list, const char *text) { return curl.list_append(list, text); }
void kccurl_list_free(struct curl_slist *list) { curl.list_free(list); }
CURLcode kccurl_set_string(CURL *c, CURLoption o, const char *v) { return curl.setopt(c, o, v); }
CURLcode kccurl_set_long(CURL *c, CURLoption o, long v) { return curl.setopt(c, o, v); }
CURLcode kccurl_set_offset(CURL *c, CURLoption o, curl_off_t v) { return curl.setopt(c, o, v); }
CURLcode kccurl_set_pointer(CURL *c, CURLoption o, void *v) { return curl.setopt(c, o, v); }
CURLcode kccurl_set_callback(CURL *c, CURLoption o, kccurl_data_callback v) { return curl.setopt(c, o, v); }
CURLcode kccurl_set_progress(CURL *c, kccurl_progress_callback v) { return curl.setopt(c, CURLOPT_XFERINFOFUNCTION, v); }
CURLcode kccurl_get_long(CURL *c, CURLINFO i, long *v) { return curl.getinfo(c, i, v); }
CURLcode kccurl_get_offset(CURL *c, CURLINFO i, curl_off_t *v) { return curl.getinfo(c, i, v); }
CURLcode kccurl_get_string(CURL *c, CURLINFO i, const char **v) { return curl.getinfo(c, i, v); }
