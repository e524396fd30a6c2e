#include "recorder/filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

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

}  // namespace

std::vector<sock_filter> make_filter() {
  const Context context(SCMP_ACT_TRACE(static_cast<unsigned>(FilterMark::call)));
  check(::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH,
                           SCMP_ACT_TRACE(static_cast<unsigned>(FilterMark::foreign_abi))),
        "SCMP_FLTATR_ACT_BADARCH");
  // The instruction pointer as two words, low first; a match in both is rec's own call.
  constexpr std::uint32_t at = offsetof(seccomp_data, instruction_pointer);
  constexpr auto low = static_cast<std::uint32_t>(agent_area::after_syscall_instruction);
  constexpr auto high = static_cast<std::uint32_t>(agent_area::after_syscall_instruction >> 32);
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4),   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const std::vector<sock_filter> rest = export_program(context);
  program.insert(program.end(), rest.begin(), rest.end());
  return program;
}

}  // namespace rec
