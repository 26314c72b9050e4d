#define _GNU_SOURCE
#include "clinux.h"
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>

int kclinux_rename_noreplace(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE); }
int kclinux_rename_exchange(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE); }
int kclinux_open_unnamed(const char *directory) { return open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }
int kclinux_make_temporary(char *pattern) { return mkostemp(pattern, O_CLOEXEC); }
long kclinux_random(void *bytes, size_t count) { return getrandom(bytes, count, 0); }
void kclinux_start_writeback(int descriptor, long offset, long count) { sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE); }
void kclinux_return_large_buffers(void) {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}
static long resident_bytes(void) {
  int descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  char text[128];
  long n = read(descriptor, text, sizeof text - 1);
  close(descriptor);
  if (n <= 0) return 0;
  text[n] = 0;
  char *resident = strchr(text, ' ');
  return resident ? strtol(resident, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}
void kclinux_trim_heap(long growth) {
  static atomic_long after_last;
  if (growth > 0 && resident_bytes() - atomic_load(&after_last) < growth) return;
  malloc_trim(0);
  atomic_store(&after_last, resident_bytes());
}
int kclinux_is_signal_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}
