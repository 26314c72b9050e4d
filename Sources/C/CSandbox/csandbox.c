#define _GNU_SOURCE
#include "csandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Landlock, spelled out: headers may be older than the kernel. Source: Linux documentation, "Landlock: unprivileged access control".
#define LANDLOCK_CREATE 444
#define LANDLOCK_ADD_RULE 445
#define LANDLOCK_RESTRICT 446
enum { EXECUTE = 1, WRITE_FILE = 2, READ_FILE = 4, READ_DIR = 8, REMOVE_DIR = 16, REMOVE_FILE = 32, MAKE_DIR = 128, MAKE_REG = 256, REFER = 1 << 13, TRUNCATE = 1 << 14 };
struct ruleset { uint64_t files, network, scopes; };
struct __attribute__((packed)) path_rule { uint64_t allowed; int32_t parent; };

static int landlock_version(void) {
  long version = syscall(LANDLOCK_CREATE, NULL, 0, 1);
  return version < 0 ? 0 : (int)version;
}

int kcsandbox_can_confine(void) {
  // A filter at a null address is refused with EFAULT where filters are known, with EINVAL where they are not.
  int filters = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
  return landlock_version() >= 3 && filters;
}

int kcsandbox_ended(pid_t process, int *status) {
  // Until it is reaped its number, which is that of its group, belongs to nobody else.
  siginfo_t info = { 0 };
  if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return 0;
  kill(-process, SIGKILL);
  while (waitpid(process, status, 0) < 0 && errno == EINTR) {}
  return 1;
}

void kcsandbox_kill(pid_t process) {
  kill(-process, SIGKILL);
  kill(process, SIGKILL);
  while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
}

int kcsandbox_memory_file(void) { return memfd_create("kconnect", MFD_CLOEXEC); }
int kcsandbox_open_directory(int parent, const char *name) { return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }

static int allow(int rules, const char *path, uint64_t rights) {
  int parent = open(path, O_PATH | O_CLOEXEC);
  if (parent < 0) return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -1;
  struct stat info;
  if (fstat(parent, &info) < 0) return -1;
  if (!S_ISDIR(info.st_mode)) rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;
  struct path_rule rule = { .allowed = rights, .parent = parent };
  int code = (int)syscall(LANDLOCK_ADD_RULE, rules, 1, &rule, 0);
  close(parent);
  return code;
}

static int confine_files(const struct kcsandbox_plan *plan) {
  int version = landlock_version();
  struct ruleset all = { .files = version >= 5 ? 0xFFFF : 0x7FFF, .network = 3, .scopes = 3 };
  size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  int rules = (int)syscall(LANDLOCK_CREATE, &all, size, 0);
  if (rules < 0) return -1;
  for (const char *const *path = plan->readable; *path; path++)
    if (allow(rules, *path, EXECUTE | READ_FILE | READ_DIR) < 0) return -1;
  static const char *const devices[] = { "/dev/urandom", "/dev/random", "/dev/zero", NULL };
  for (const char *const *path = devices; *path; path++)
    if (allow(rules, *path, READ_FILE) < 0) return -1;
  if (allow(rules, "/dev/null", READ_FILE | WRITE_FILE | TRUNCATE) < 0) return -1;
  if (allow(rules, plan->directory, READ_FILE | READ_DIR | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE) < 0) return -1;
  int code = (int)syscall(LANDLOCK_RESTRICT, rules, 0);
  close(rules);
  return code;
}

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this processor"
#endif

// Refused with EPERM: new processes, the network, memory outside the limit, other processes, and what Landlock does not cover (modes, owners, times).
static const int refused[] = {
#ifdef SYS_fork
  SYS_fork, SYS_vfork,
#endif
#ifdef SYS_chmod
  SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
  SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
  SYS_lremovexattr, SYS_fremovexattr,
  SYS_socket, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
  SYS_memfd_create, SYS_shmget, SYS_shmat, SYS_msgget, SYS_semget, SYS_mq_open,
  SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal,
  SYS_setpriority, SYS_ioprio_set, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setattr, SYS_setsid, SYS_setpgid, SYS_migrate_pages, SYS_move_pages,
  SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
  SYS_request_key, SYS_personality, SYS_syslog, SYS_sync, SYS_syncfs, SYS_open_by_handle_at, SYS_fanotify_init, SYS_quotactl, SYS_acct, SYS_reboot,
  SYS_swapon, SYS_swapoff, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_init_module, SYS_finit_module, SYS_delete_module,
  SYS_kexec_load, SYS_sethostname, SYS_setdomainname,
  438 /* pidfd_getfd */, 440 /* process_madvise */, 447 /* memfd_secret */, 448 /* process_mrelease */, 452 /* fchmodat2 */,
  428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */, 432 /* fsmount */, 442 /* mount_setattr */, 463 /* setxattrat */, 466 /* removexattrat */,
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, steps) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, steps)
#define ANSWER(code) BPF_STMT(BPF_RET | BPF_K, code)
#define REFUSE(number) ANSWER(SECCOMP_RET_ERRNO | (number))

static int confine_calls(void) {
  uint32_t self = (uint32_t)getpid();
  struct sock_filter steps[2 * COUNT(refused) + 48];
  size_t n = 0;
#define ADD(...) do { const struct sock_filter added[] = { __VA_ARGS__ }; for (size_t i = 0; i < COUNT(added); i++) steps[n++] = added[i]; } while (0)
  ADD(LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS), LOAD(nr));
  // The other numbering of x86-64.
  ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), REFUSE(EPERM));
  // Its flags lie in memory, where a filter cannot look: the C library then uses clone, which may make threads only.
  ADD(SKIP_UNLESS(SYS_clone3, 1), REFUSE(ENOSYS));
  ADD(SKIP_UNLESS(SYS_clone, 4), LOAD(args[0]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1), ANSWER(SECCOMP_RET_ALLOW), REFUSE(EPERM));
  // Signals, limits and the like: to itself only.
  static const int own[] = { SYS_kill, SYS_tgkill };
  for (size_t k = 0; k < COUNT(own); k++) ADD(SKIP_UNLESS(own[k], 4), LOAD(args[0]), SKIP_UNLESS(self, 1), ANSWER(SECCOMP_RET_ALLOW), REFUSE(EPERM));
  ADD(SKIP_UNLESS(SYS_prlimit64, 6), LOAD(args[0]), SKIP_UNLESS(0, 1), ANSWER(SECCOMP_RET_ALLOW), SKIP_UNLESS(self, 1), ANSWER(SECCOMP_RET_ALLOW), REFUSE(EPERM));
  // It ends with its parent.
  ADD(SKIP_UNLESS(SYS_prctl, 4), LOAD(args[0]), SKIP_UNLESS(PR_SET_PDEATHSIG, 1), REFUSE(EPERM), ANSWER(SECCOMP_RET_ALLOW));
  for (size_t k = 0; k < COUNT(refused); k++) ADD(SKIP_UNLESS(refused[k], 1), REFUSE(EPERM));
  ADD(ANSWER(SECCOMP_RET_ALLOW));
  struct sock_fprog program = { .len = (unsigned short)n, .filter = steps };
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int drop_capabilities(void) {
  if (geteuid() == 0) {
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED) < 0 && errno != EPERM) return -1;
    for (int c = 0; c < 64; c++) prctl(PR_CAPBSET_DROP, c);
  }
  struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
  return (int)syscall(SYS_capset, &head, none);
}

static int limit(int resource, uint64_t value) {
  struct rlimit now;
  if (getrlimit(resource, &now) < 0) return -1;
  if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max) value = now.rlim_max;
  struct rlimit wanted = { value, value };
  return setrlimit(resource, &wanted);
}

struct failure { const char *step; int code; };

static void fail(int channel, const char *step) {
  struct failure failure = { step, errno };
  (void)!write(channel, &failure, sizeof failure);
  _exit(127);
}

static void become(const struct kcsandbox_plan *plan, int channel, pid_t parent) {
  if (setpgid(0, 0) < 0) fail(channel, "setpgid");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail(channel, "prctl");
  if (getppid() != parent) _exit(127);
  // Descriptors first move out of the way of their numbers.
  int given[6] = { plan->input, -1, plan->errors, plan->table, plan->result, plan->report };
  for (int k = 0; k < 6; k++) {
    given[k] = given[k] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : given[k];
    if (given[k] < 0 || (given[k] = fcntl(given[k], F_DUPFD_CLOEXEC, 16)) < 0) fail(channel, "descriptors");
  }
  if ((channel = fcntl(channel, F_DUPFD_CLOEXEC, 16)) < 0) _exit(127);
  for (int k = 0; k < 6; k++) if (dup2(given[k], k) < 0) fail(channel, "descriptors");
  if (syscall(SYS_close_range, 6, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0)
    for (int k = 6; k < 65536; k++) fcntl(k, F_SETFD, FD_CLOEXEC);
  for (int number = 1; number < 65; number++) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  umask(077);
  if (chdir(plan->directory) < 0) fail(channel, "the working directory");
  if (plan->memory && limit(RLIMIT_AS, plan->memory) < 0) fail(channel, "the memory limit");
  if (plan->file_size && limit(RLIMIT_FSIZE, plan->file_size) < 0) fail(channel, "the file size limit");
  if (plan->cpu_seconds && limit(RLIMIT_CPU, plan->cpu_seconds) < 0) fail(channel, "the processor time limit");
  if (limit(RLIMIT_CORE, 0) < 0) fail(channel, "the core size limit");
  if (plan->confines) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(channel, "no new privileges");
    if (confine_files(plan) < 0) fail(channel, "Landlock");
    // Below what this program may have open: only now that no more is opened before the exec.
    if (limit(RLIMIT_NOFILE, 512) < 0) fail(channel, "the descriptor limit");
    if (drop_capabilities() < 0) fail(channel, "capabilities");
    if (confine_calls() < 0) fail(channel, "seccomp");
  }
  execve(plan->program, plan->arguments, plan->environment);
  fail(channel, "exec");
}

int kcsandbox_start(const struct kcsandbox_plan *plan, pid_t *process, const char **step) {
  int channel[2];
  *step = "pipe";
  if (pipe2(channel, O_CLOEXEC) < 0) return errno;
  // No signal handler of this program may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) become(plan, channel[1], parent);
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(channel[1]);
  *step = "fork";
  if (child < 0) { close(channel[0]); return code; }
  struct failure failure = { NULL, 0 };
  ssize_t count;
  // Both sides are the same program, so the address of the text means the same.
  while ((count = read(channel[0], &failure, sizeof failure)) < 0 && errno == EINTR) {}
  close(channel[0]);
  if (count == 0) { *process = child; return 0; }
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  *step = count == (ssize_t)sizeof failure ? failure.step : "start";
  return count == (ssize_t)sizeof failure ? failure.code : EIO;
}
