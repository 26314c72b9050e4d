// Calls of Linux that glibc shows only under _GNU_SOURCE, which Swift's Glibc module does not set. Wrappers without logic; errno as usual.
#ifndef KCONNECT_CLINUX_H
#define KCONNECT_CLINUX_H
#include <stddef.h>
/// rename that fails with EEXIST when `to` exists.
int kclinux_rename_noreplace(const char *_Nonnull from, const char *_Nonnull to);
/// Swaps two names atomically.
int kclinux_rename_exchange(const char *_Nonnull from, const char *_Nonnull to);
/// Opens a file without a name in `directory`, read and write, closed on exec.
int kclinux_open_unnamed(const char *_Nonnull directory);
/// mkostemp with O_CLOEXEC.
int kclinux_make_temporary(char *_Nonnull pattern);
/// Fills `bytes` with random bytes; the count, or -1.
long kclinux_random(void *_Nonnull bytes, size_t count);
/// Starts writing a range of a file to its disk without waiting for the end: the fsync that follows has less left to do. Only a hint.
void kclinux_start_writeback(int descriptor, long offset, long count);
/// Large buffers come from the system and go back to it at once: resident memory follows what is in use. For programs, at their start.
void kclinux_return_large_buffers(void);
/// Gives the gaps between small buffers back to the system when `growth` bytes more are resident than after the last time; 0: in any case.
void kclinux_trim_heap(long growth);
/// Whether the process ignores a signal.
int kclinux_is_signal_ignored(int number);
#endif
