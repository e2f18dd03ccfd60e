/**
 * What an ordinary program without privileges calls, by subject. Left out on purpose, although
 * common lists have them: `sync` (flushes the whole host), `vmsplice`, `modify_ldt`, NUMA placement,
 * clock adjustment, `io_uring_*`, everything that needs a capability.
 */
export const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  descriptors: words`read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek
    close close_range dup dup2 dup3 fcntl flock pipe pipe2 sendfile splice tee copy_file_range`,
  files: words`open openat openat2 creat access faccessat faccessat2 stat fstat lstat newfstatat statx
    statfs fstatfs readlink readlinkat getdents getdents64 getcwd chdir fchdir umask truncate
    ftruncate fallocate fadvise64 readahead cachestat fsync fdatasync syncfs sync_file_range`,
  directories: words`mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat unlink unlinkat
    rename renameat renameat2 chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime
    utimes utimensat futimesat getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr
    flistxattr listxattrat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr
    fremovexattr removexattrat`,
  watches: words`inotify_init inotify_init1 inotify_add_watch inotify_rm_watch`,
  memory: words`brk mmap munmap mremap remap_file_pages mprotect madvise mincore msync mseal mlock
    mlock2 munlock mlockall munlockall membarrier map_shadow_stack pkey_alloc pkey_free
    pkey_mprotect`,
  processes: words`fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid
    getpgid setpgid getpgrp getsid setsid set_tid_address set_robust_list get_robust_list prctl
    arch_prctl rseq pidfd_open pidfd_send_signal restart_syscall seccomp landlock_create_ruleset
    landlock_add_rule landlock_restrict_self`,
  identity: words`getuid geteuid getgid getegid getgroups setgroups getresuid getresgid setuid setgid
    setreuid setregid setresuid setresgid setfsuid setfsgid capget capset`,
  signals: words`kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending
    rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack signalfd signalfd4
    pause alarm eventfd eventfd2`,
  scheduling: words`futex futex_wait futex_wake futex_requeue futex_waitv sched_yield
    sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler
    sched_setscheduler sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min
    sched_rr_get_interval getpriority setpriority ioprio_get ioprio_set getcpu`,
  time: words`time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep getitimer
    setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
    timerfd_gettime timerfd_settime times`,
  waiting: words`select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait
    epoll_pwait epoll_pwait2 io_setup io_submit io_getevents io_pgetevents io_cancel io_destroy`,
  sockets: words`bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt
    shutdown sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg`,
  ipc: words`shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl semget semop semtimedop semctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr`,
  limits: words`uname sysinfo getrlimit setrlimit prlimit64 getrusage getrandom`,
}

/**
 * Calls with which escapes begin. No program that an agent needs makes them by itself, so each one
 * is worth a record: the supervisor gets it, writes it down and refuses it.
 */
export const RECORDED: Readonly<Record<string, readonly string[]>> = {
  mounts: words`mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount
    mount_setattr quotactl quotactl_fd swapon swapoff acct`,
  namespaces: words`unshare setns sethostname setdomainname`,
  'other-processes': words`ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd`,
  handles: words`open_by_handle_at name_to_handle_at fanotify_init`,
  keys: words`keyctl add_key request_key`,
  'kernel-programs': words`bpf perf_event_open userfaultfd io_uring_setup io_uring_enter
    io_uring_register`,
  kernel: words`init_module finit_module delete_module kexec_load kexec_file_load reboot syslog iopl
    ioperm clock_settime settimeofday`,
}

function words(text: TemplateStringsArray): string[] {
  return (text[0] ?? '').trim().split(/\s+/)
}
