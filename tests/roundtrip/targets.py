"""What each target program must end with, where that is not exit status 0, and what it needs.

`status` is as a shell shows it: 128 + n for a death by signal n. A target that is not listed ends with 0.
"""

import dataclasses
import signal


@dataclasses.dataclass(frozen=True)
class Target:
    status: int = 0
    stdin: bytes = b""
    arguments: tuple = ()
    never: bytes = b""  # what the recorded program must not print
    leaves_files: bool = False  # on purpose, to be found unchanged after each replay
    container: bool = True  # whether it can do its job under the default container profile
    seconds: int = 30  # after which recording or replay counts as stuck


def killed_by(number, **more):
    return Target(status=128 + number, **more)


TARGETS = {
    # Exit statuses of their own choice: the behaviour shown is part of the status.
    "bare_assembly": Target(34),
    "calls_32_bit": Target(6, never=b"not to be seen", container=False),  # the profile kills who makes such calls
    "clone3_fallback": Target(6),
    "clone3_untraced": Target(container=False),  # the profile knows no clone3
    "clone_process": Target(21),
    "clone_shared_memory": Target(4),
    "exceptions_cpp": Target(13),
    "exec_script": Target(9),
    "exit_from_main": Target(42),
    "exit_from_thread": Target(11),
    "exit_group_race": Target(70),
    "exit_raw": Target(23),
    "fork_child": Target(5),
    "fork_tree": Target(8),
    "input_lines": Target(3, stdin=b"first line\nsecond\nlast without a newline"),
    "instructions_disposition": Target(1),
    "memory_protection_fault": Target(6),
    "memory_written_code": Target(74),
    "orphan_outlives": Target(21),
    "orphan_reparented": Target(12),
    "output_cut_short": killed_by(signal.SIGSEGV),
    "poll_interrupted": Target(5),
    "poll_restarted": Target(5),
    "side_effects": Target(leaves_files=True),
    "signal_alarm_eintr": Target(3),
    "signal_alarm_restart": Target(14),
    "signal_altstack_longjmp": Target(3),
    "signal_child_handler": Target(5),
    "signal_descriptor": Target(3),
    "signal_float_exception": Target(5),
    "signal_fpe_handler": Target(2),
    "signal_from_child": Target(2),
    "signal_longjmp_from_call": Target(4),
    "signal_mask_pending": Target(10),
    "signal_nodefer": Target(6),
    "signal_self": Target(10),
    "signal_single_step": Target(14),
    "signal_stop_continue": Target(15),
    "signal_stop_itself": Target(14),
    "signal_suspend": Target(8),
    "signal_trap_handler": Target(2),
    "static_pie_program": Target(19),
    "system_popen": Target(4),
    "threads_cpp": Target(5),
    "threads_local_storage": Target(5),
    "threads_shared_mutex": Target(15),
    "vfork_exit": Target(3),
    "wait_options": Target(17),
    # Type 33 is AT_SYSINFO_EHDR: with it the C library would read the clocks without a call.
    "auxiliary_vector": Target(never=b"auxv 33:"),
    # Loops that a replay runs through a few times slower.
    "points_profile_longjmp": Target(seconds=60),
    # Deaths by signal.
    "dies_blocked_segv": killed_by(signal.SIGSEGV),
    "dies_by_abort": killed_by(signal.SIGABRT),
    "dies_by_alarm": killed_by(signal.SIGALRM),
    "dies_by_child": killed_by(signal.SIGTERM),
    "dies_by_ill": killed_by(signal.SIGILL),
    "dies_by_kill": killed_by(signal.SIGKILL),
    "dies_by_segv": killed_by(signal.SIGSEGV),
    "seccomp_trap": killed_by(signal.SIGSYS),
    "dies_in_thread": killed_by(signal.SIGSEGV),
    "memory_file_ends": killed_by(signal.SIGBUS),
    "memory_stack_overflow": killed_by(signal.SIGSEGV),
    "signal_ignored_inherited": killed_by(signal.SIGUSR2),
    "signal_pipe_default": killed_by(signal.SIGPIPE),
    "signal_reset_handler": killed_by(signal.SIGUSR1),
}


def target(name):
    return TARGETS.get(name, Target())
