"""The seccomp profile of a container: docker's list, tightened; as the `linux.seccomp` section of an OCI config.

Beyond docker's list: terminal injection (TIOCSTI, TIOCLINUX), the audit socket and 32-bit programs are refused.
Rules of one call are tried in order and the first that matches decides.
"""

_ALLOWED = """
accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_adjtime
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve
execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown
fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex
futex_requeue futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents
getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat
inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup
io_submit ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr
link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat madvise
map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap
modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget
msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause
pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2
prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead
readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat
renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto
set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority
setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl shmdt shmget
shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statmount statx symlink symlinkat sync
sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat uretprobe utime
utimensat utimes vfork vmsplice wait4 waitid write writev
"""

_ALLOWED_WITH = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
    "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd "
    "setdomainname sethostname setns syslog umount2 unshare",
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module init_module finit_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise",
    "CAP_SYS_RAWIO": "iopl ioperm",
    "CAP_SYS_TIME": "settimeofday clock_settime",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}

_INT = 0xFFFFFFFF  # the kernel looks at 32 bits of these arguments, so the filter must not be fooled by the other 32
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_NETLINK, _NETLINK_AUDIT = 16, 9
# Left out as in docker: AX.25's kin, DECnet, Econet, RDS, WANPIPE, AF_SNA, AF_IRDA, AF_ALG (38), AF_VSOCK (40) and up.
_SOCKET_FAMILIES = ((0, 11), (13, 18), (21, 22), (24, 24), (26, 33), (35, 36), (39, 39), (41, 45))
_PERSONALITIES = (0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)  # native, UNAME26 and both, and the question


def default(capabilities):
    """The OCI seccomp section for a process that may come to hold `capabilities`."""
    names = _ALLOWED.split()
    for capability in capabilities:
        names += _ALLOWED_WITH.get(capability, "").split()
    rules = [
        _allow(names),
        *_sockets(),
        *_ioctls(),
        *[_allow(["personality"], [_is(0, each)]) for each in _PERSONALITIES],
    ]
    if "CAP_SYS_ADMIN" not in capabilities:
        # clone3 hides its flags in memory: ENOSYS makes libc use clone, whose flags can be looked at
        rules += [_allow(["clone"], [_masked(0, _NEW_NAMESPACES, 0)]), _refuse(["clone3"], errno=38)]
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": rules}


def _sockets():
    audit = [_masked(0, _INT, _AF_NETLINK), _masked(2, _INT, _NETLINK_AUDIT)]
    allowed = [
        _allow(["socket"], [_compare(0, first, "GE"), _compare(0, last, "LE")]) for first, last in _SOCKET_FAMILIES
    ]
    return [_refuse(["socket"], audit), *allowed]


def _ioctls():
    injections = [_refuse(["ioctl"], [_masked(1, _INT, each)]) for each in (_TIOCSTI, _TIOCLINUX)]
    return [*injections, _allow(["ioctl"])]


def _allow(names, conditions=()):
    return {"names": names, "action": "SCMP_ACT_ALLOW", "args": list(conditions)}


def _refuse(names, conditions=(), errno=1):
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": list(conditions)}


def _is(index, value):
    return _compare(index, value, "EQ")


def _masked(index, mask, value):
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _compare(index, value, operator):
    return {"index": index, "value": value, "op": f"SCMP_CMP_{operator}"}
