// Starts a program that may do little: between fork and exec only system calls run, so that it works in a process with many threads.
// Landlock (files, signals), seccomp (no processes, no network, no changes of others), resource limits, no capabilities, no inherited descriptors.
#ifndef KCONNECT_CSANDBOX_H
#define KCONNECT_CSANDBOX_H
#include <stdint.h>
#include <sys/types.h>

/// What the program gets. Texts end with 0, lists with NULL. Descriptors are duplicated.
struct kcsandbox_plan {
  const char *_Nonnull program;
  char *_Nullable const *_Nonnull arguments;
  char *_Nullable const *_Nonnull environment;
  /// Working directory; the only place where files may be made. Not confined: the working directory only.
  const char *_Nonnull directory;
  /// Files and directories that may be read, and programs in them run; those that do not exist are left out.
  const char *_Nullable const *_Nonnull readable;
  /// Become descriptors 0, 2, 3, 4 and 5; -1: none. 1 is /dev/null.
  int input, errors, table, result, report;
  /// Bytes of memory, of one file; seconds of processor time. 0: no limit of ours.
  uint64_t memory, file_size, cpu_seconds;
  /// Whether Landlock and seccomp hold; the call fails where the kernel lacks them.
  int confines;
};

/// Starts the program in a process group of its own. 0 and its id, or the errno of what failed and its name in `step`.
int kcsandbox_start(const struct kcsandbox_plan *_Nonnull plan, pid_t *_Nonnull process, const char *_Nullable *_Nonnull step);
/// Whether a started process has ended: 1 and its status as waitpid gives it, after the rest of its group was killed; else 0.
int kcsandbox_ended(pid_t process, int *_Nonnull status);
/// Kills a started process and its group, and waits for its end.
void kcsandbox_kill(pid_t process);
/// Whether this kernel can confine programs: Landlock with truncation (ABI 3, Linux 6.2) and seccomp filters.
int kcsandbox_can_confine(void);
/// An unnamed file in memory, closed on exec; -1 with errno.
int kcsandbox_memory_file(void);
/// Opens a directory below another without following links; -1 with errno.
int kcsandbox_open_directory(int parent, const char *_Nonnull name);
#endif
