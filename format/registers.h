// The general registers of an x86-64 task, in the order of the kernel's user_regs_struct (asm/user_64.h), so
// that a value can be copied between the two. Here because a trace holds them; ptrace is not needed to look
// at them.
#pragma once

#include <array>
#include <cstdint>

namespace rec {

// Of eflags: stop behind the next instruction; no breakpoint at it (asm/processor-flags.h).
inline constexpr std::uint64_t flag_trap = 0x100, flag_resume = 0x10000;

struct Registers {
  std::uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  std::uint64_t orig_rax;  // number of the system call being made; -1 outside of one
  std::uint64_t rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;

  // System-call arguments by the kernel's convention (syscall(2)).
  [[nodiscard]] std::array<std::uint64_t, 6> arguments() const { return {rdi, rsi, rdx, r10, r8, r9}; }
  void set_arguments(const std::array<std::uint64_t, 6>& a) {
    rdi = a[0], rsi = a[1], rdx = a[2], r10 = a[3], r8 = a[4], r9 = a[5];
  }
  // The same of a call made by `int $0x80` (linux/ptrace.h, PTRACE_GET_SYSCALL_INFO of such a task): the
  // kernel looks at the lower halves.
  [[nodiscard]] std::array<std::uint64_t, 6> arguments_of_32_bit() const {
    constexpr std::uint64_t half = 0xffffffff;
    return {rbx & half, rcx & half, rdx & half, rsi & half, rdi & half, rbp & half};
  }
  [[nodiscard]] std::int64_t result() const { return static_cast<std::int64_t>(rax); }
  // From behind the instruction that made call `nr` (`syscall` or `int $0x80`) to in front of it.
  void go_before_call(std::uint64_t nr) {
    rax = nr;
    orig_rax = ~std::uint64_t{0};
    rip -= 2;
  }

  bool operator==(const Registers&) const = default;
};

static_assert(sizeof(Registers) == 27 * 8);

// Results a program never sees: the kernel turns them into -EINTR or makes the call again when it returns to
// user mode (include/linux/errno.h).
enum class RestartCode : std::int64_t {
  restart_sys = -512,           // ERESTARTSYS: again if the handler has SA_RESTART or there is none
  restart_no_intr = -513,       // ERESTARTNOINTR: always again
  restart_no_hand = -514,       // ERESTARTNOHAND: again only if no handler ran
  restart_restart_block = -516  // ERESTART_RESTARTBLOCK: restart_syscall(2) if no handler ran
};

// Results in [-4095, -1] are errors, whatever the call (asm/unistd.h's convention); some beyond are the
// kernel's own.
[[nodiscard]] constexpr bool is_error(std::int64_t result) { return result < 0 && result >= -4095; }

[[nodiscard]] constexpr bool is_restart_code(std::int64_t result) {
  return result == -512 || result == -513 || result == -514 || result == -516;
}

// What the kernel does with a restart code when no handler runs: the call is made again
// (arch/x86/kernel/signal.c). orig_rax stays.
inline void prepare_restart(Registers* registers, std::int64_t code) {
  constexpr std::uint64_t nr_restart_syscall = 219;
  const bool through_block = code == static_cast<std::int64_t>(RestartCode::restart_restart_block);
  registers->rax = through_block ? nr_restart_syscall : registers->orig_rax;
  registers->rip -= 2;
}

}  // namespace rec
