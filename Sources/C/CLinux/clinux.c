#define _GNU_SOURCE
#include "clinux.h"
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
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
void kclinux_trim_heap(void) { malloc_trim(0); }
