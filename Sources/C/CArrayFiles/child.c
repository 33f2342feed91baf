#define _GNU_SOURCE
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

size_t elbo_size_of(carrays_type type) {
  switch (type) {
    case CARRAYS_UNREADABLE: return 0;
    case CARRAYS_BOOL:
    case CARRAYS_INT8:
    case CARRAYS_UINT8: return 1;
    case CARRAYS_INT16:
    case CARRAYS_UINT16: return 2;
    case CARRAYS_INT32:
    case CARRAYS_UINT32:
    case CARRAYS_FLOAT32: return 4;
    case CARRAYS_INT64:
    case CARRAYS_UINT64:
    case CARRAYS_FLOAT64: return 8;
  }
  return 0;
}

carrays_array *elbo_next(carrays_report *report, const char *name) {
  if (report->count >= CARRAYS_MOST_ARRAYS) {
    report->is_cut = 1;
    return NULL;
  }
  carrays_array *array = &report->arrays[report->count++];
  memset(array, 0, sizeof *array);
  snprintf(array->name, sizeof array->name, "%s", name);
  if (strlen(name) > CARRAYS_LONGEST_NAME) elbo_refuse(array, "has a name that is too long");
  return array;
}

void elbo_refuse(carrays_array *array, const char *reason) {
  array->type = CARRAYS_UNREADABLE;
  snprintf(array->reason, sizeof array->reason, "%s", reason);
}

#ifdef __linux__
#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif
#endif

void elbo_confine(void) {
#ifdef MACHINE
#define ALLOW(call) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  // Whatever else it calls fails with EPERM, which the libraries take for a file that cannot be read.
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(mmap), ALLOW(munmap), ALLOW(mremap), ALLOW(mprotect), ALLOW(madvise), ALLOW(brk), ALLOW(futex),
      ALLOW(read), ALLOW(pread64), ALLOW(lseek), ALLOW(fstat), ALLOW(close), ALLOW(exit), ALLOW(exit_group),
      ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(getpid), ALLOW(gettid), ALLOW(tgkill),
      ALLOW(clock_gettime), ALLOW(getrandom), ALLOW(sched_yield), ALLOW(newfstatat),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA)),
  };
  struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
  // A kernel without it leaves the process as the only wall.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

static void limit(int resource, rlim_t most) {
  struct rlimit bounds;
  if (getrlimit(resource, &bounds) != 0) return;
  if (bounds.rlim_cur == RLIM_INFINITY || bounds.rlim_cur > most) bounds.rlim_cur = most;
  setrlimit(resource, &bounds);
}

// What the process has now, in bytes.
static rlim_t address_space(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%lu", &pages) != 1) pages = 0;
  fclose(file);
  return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

// What a child of a process with many threads, listeners and handlers has to lay aside.
static void settle(const carrays_task *task) {
  static const int signals[] = {SIGABRT, SIGBUS, SIGFPE,  SIGILL,  SIGSEGV, SIGTRAP, SIGINT,
                                SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGPIPE, SIGUSR1, SIGUSR2};
  for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) signal(signals[index], SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int nowhere = open("/dev/null", O_RDWR);
  for (int stream = 0; stream < 3; stream++) {
    if (nowhere >= 0) {
      dup2(nowhere, stream);
    } else {
      close(stream);
    }
  }
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  syscall(SYS_close_range, 3, ~0U, 0);
#endif
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, 5 + (rlim_t)((task->count + task->size) >> 22));
  // A library needs the array once more, and a chunk of it, beside what it knows of the file.
  rlim_t used = address_space();
  if (used > 0) limit(RLIMIT_AS, used + 2 * (rlim_t)(task->count + task->size) + ((rlim_t)1 << 30));
}

static carrays_status work(const carrays_task *task, carrays_report *report) {
  report->status = CARRAYS_CRASHED;
  pid_t child = fork();
  if (child < 0) return CARRAYS_NO_MEMORY;
  if (child == 0) {
    settle(task);
    report->status = task->format == CARRAYS_MATLAB ? elbo_read_matlab(task, report) : elbo_read_hdf5(task, report);
    report->is_finished = 1;
    _exit(0);
  }
  int status = 0;
  pid_t ended;
  while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
  }
  if (ended == child && WIFSIGNALED(status)) return WTERMSIG(status) == SIGXCPU ? CARRAYS_TOO_LONG : CARRAYS_CRASHED;
  if (!report->is_finished || report->status > CARRAYS_NO_MEMORY) return CARRAYS_CRASHED;
  return (carrays_status)report->status;
}

static void *shared(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void carrays_free(void *memory, size_t size) {
  if (memory != NULL) munmap(memory, size);
}

carrays_status carrays_list(const uint8_t *bytes, size_t count, carrays_format format, carrays_report **report) {
  *report = shared(sizeof **report);
  if (*report == NULL) return CARRAYS_NO_MEMORY;
  carrays_task task = {.bytes = bytes, .count = count, .format = format};
  return work(&task, *report);
}

carrays_status carrays_read(const uint8_t *bytes, size_t count, carrays_format format, const char *name,
                            carrays_type type, size_t size, void **target) {
  *target = NULL;
  carrays_report *report = shared(sizeof *report);
  void *memory = shared(size);
  carrays_status status = CARRAYS_NO_MEMORY;
  if (report != NULL && memory != NULL) {
    carrays_task task = {
        .bytes = bytes, .count = count, .format = format, .name = name, .type = type, .target = memory, .size = size};
    status = work(&task, report);
  }
  carrays_free(report, sizeof *report);
  if (status == CARRAYS_OK) {
    *target = memory;
  } else {
    carrays_free(memory, size);
  }
  return status;
}
