#include "tracee/filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <string>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "tracee/agent_area.h"

namespace rec {
namespace {

class Context {
 public:
  explicit Context(std::uint32_t default_action) : context_(::seccomp_init(default_action)) {
    if (context_ == nullptr) fail("libseccomp could not make a filter");
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { ::seccomp_release(context_); }
  [[nodiscard]] scmp_filter_ctx get() const { return context_; }

 private:
  scmp_filter_ctx context_;
};

void check(int result, const char* what) {
  if (result != 0) fail_with_errno(fmt::format("libseccomp: {}", what), -result);
}

std::vector<sock_filter> export_program(const Context& context) {
  const UniqueFd file(::memfd_create("rec-filter", MFD_CLOEXEC));
  if (!file.is_open()) fail_with_errno("memfd_create");
  check(::seccomp_export_bpf(context.get(), file.get()), "seccomp_export_bpf");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail_with_errno("fstat");
  std::vector<sock_filter> program(static_cast<std::size_t>(info.st_size) / sizeof(sock_filter));
  const std::size_t bytes = program.size() * sizeof(sock_filter);
  if (::pread(file.get(), program.data(), bytes, 0) != static_cast<ssize_t>(bytes)) fail_with_errno("pread");
  return program;
}

// All but the test of the instruction pointer: every call stops.
std::vector<sock_filter> stop_all(FilterStop stop) {
  const auto action = [&](FilterMark mark) {
    return stop == FilterStop::signal ? SCMP_ACT_TRAP : SCMP_ACT_TRACE(static_cast<unsigned>(mark));
  };
  const Context context(action(FilterMark::call));
  check(::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, action(FilterMark::foreign_abi)),
        "SCMP_FLTATR_ACT_BADARCH");
  return export_program(context);
}

// Calls from rec's own `syscall` instruction get to `then`, which the program's end follows.
std::vector<sock_filter> own_calls_first(const std::vector<sock_filter>& then, FilterStop stop) {
  // The instruction pointer as two words, low first.
  constexpr std::uint32_t at = offsetof(seccomp_data, instruction_pointer);
  constexpr auto low = static_cast<std::uint32_t>(agent_area::after_syscall_instruction);
  constexpr auto high = static_cast<std::uint32_t>(agent_area::after_syscall_instruction >> 32);
  const auto skipped = static_cast<std::uint8_t>(then.size());
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, static_cast<std::uint8_t>(skipped + 2)),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, skipped),
  };
  program.insert(program.end(), then.begin(), then.end());
  const std::vector<sock_filter> rest = stop_all(stop);
  program.insert(program.end(), rest.begin(), rest.end());
  return program;
}

constexpr std::array<std::int64_t, 6> memory_calls{SYS_mmap,   SYS_munmap,  SYS_mprotect,
                                                   SYS_mremap, SYS_madvise, SYS_arch_prctl};

}  // namespace

std::vector<sock_filter> make_filter(FilterStop stop) {
  return own_calls_first({BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}, stop);
}

std::vector<sock_filter> make_replay_filter() {
  std::vector<sock_filter> allowed{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (std::size_t i = 0; i < memory_calls.size(); ++i) {
    // To the end, where it passes; behind the last one, and past that, go all others.
    const auto to_end = static_cast<std::uint8_t>(memory_calls.size() - 1 - i);
    const bool is_last = i + 1 == memory_calls.size();
    allowed.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(memory_calls.at(i)),
                               to_end, static_cast<std::uint8_t>(is_last ? 1 : 0)));
  }
  allowed.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return own_calls_first(allowed, FilterStop::event);
}

std::span<const std::int64_t> calls_of_agent() { return memory_calls; }

bool under_foreign_filter() {
  std::ifstream status("/proc/self/status");
  for (std::string key, value; status >> key >> value;) {
    if (key == "Seccomp:") return value != "0";
  }
  return false;
}

}  // namespace rec
