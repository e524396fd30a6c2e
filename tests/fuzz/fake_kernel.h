// In place of the kernel under a replay: tasks that are records in the fuzzer's own memory, and a "program"
// that does what the fuzzer says at its next run. Takes the place of ptrace(2), fork(2), waitpid(2),
// process_vm_readv(2) and their like (the linker's --wrap) while one exists; at other times the real ones are
// called.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "format/registers.h"
#include "tracee/maps.h"

namespace rec::fuzz {

struct FakeTask {
  int pid = 0;
  Registers registers{};
  std::deque<int> statuses;  // what waitpid will report
  siginfo_t info{};
  std::uint64_t debug_status = 0;
  std::uint64_t message = 0;
  bool in_call = false;  // stopped at the entry of a call that rec makes in it
  std::int64_t result = 0;
  std::vector<std::byte> xstate;
  // By page number. Shared by tasks made with CLONE_VM.
  using Pages = std::map<std::uint64_t, std::array<std::byte, 4096>>;
  std::shared_ptr<Pages> memory = std::make_shared<Pages>();

  // Nothing when an address is out of range or there is too much memory already.
  std::size_t copy(std::uint64_t address, std::span<std::byte> out) const;
  std::size_t write(std::uint64_t address, std::span<const std::byte> bytes);
  void stop_by(int signal, int code);
  void stop_at_call(std::int64_t nr, const std::array<std::uint64_t, 6>& args);
};

class FakeKernel {
 public:
  FakeKernel();
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;
  ~FakeKernel();

  // Has to leave the task stopped at something.
  std::function<void(FakeTask&)> run_program;
  // The result of a call that rec makes in a task, other than those that this kernel answers itself.
  std::int64_t other_result = 0;
  std::vector<MapsEntry> maps;
  std::uint64_t memory_total = 0;

  FakeTask* find(int pid);
  FakeTask& make_task(const FakeTask* parent, bool shares_memory);
  void end(int pid) { tasks_.erase(pid); }
  void make_call(FakeTask& task);

 private:
  std::map<int, FakeTask> tasks_;
  int next_pid_ = 1 << 24;  // above what a kernel gives (PID_MAX_LIMIT, include/linux/threads.h)
};

}  // namespace rec::fuzz
