// `rec support`: the table of system calls, as the recorder and the replayer use it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/syscalls/table.h"
#include "tools/call_names.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/json.h"

namespace rec {
namespace {

using syscalls::Replay;
using syscalls::Special;
using syscalls::Subsystem;
using syscalls::Syscall;
using syscalls::Variant;

struct SupportCommand {
  std::vector<std::string> calls;  // empty: all
  std::optional<Replay> policy;    // nullopt: all
  bool with_variants = false;
  bool as_json = false;
};

std::string_view policy_name(Replay replay) {
  switch (replay) {
    case Replay::emulate:
      return "emulate";
    case Replay::execute:
      return "execute";
    case Replay::special:
      return "special";
    case Replay::deny:
      return "deny";
  }
  return {};
}

// What the hand-written code behind an entry is there for.
std::string_view special_reason(Special special) {
  switch (special) {
    case Special::mmap:
    case Special::mremap:
    case Special::brk:
    case Special::munmap:
    case Special::mprotect:
    case Special::madvise:
    case Special::shmat:
    case Special::shmdt:
      return "changes the address space: made again at the recorded addresses, with the content in the trace";
    case Special::arch_prctl:
    case Special::prctl:
      return "changes the task's own state: made again where the program could feel it";
    case Special::fork:
    case Special::vfork:
    case Special::clone:
    case Special::clone3:
      return "makes a task: made again, under the recorded number";
    case Special::execve:
    case Special::execveat:
      return "replaces the program: a new address space from the trace";
    case Special::exit:
    case Special::exit_group:
      return "ends tasks: their ends and the words that the kernel clears are in the trace";
    case Special::set_tid_address:
    case Special::set_robust_list:
      return "names memory that the kernel writes when the task ends";
    case Special::rt_sigreturn:
      return "restores registers and signal mask from the signal frame";
    case Special::rt_sigaction:
    case Special::rt_sigprocmask:
      return "changes what signals do: the recorder follows handlers and masks";
    case Special::restart_syscall:
      return "goes on with a call that a signal interrupted";
    case Special::sched_getaffinity:
    case Special::sched_setaffinity:
      return "the processors that the program chose, not those that rec runs it on";
    case Special::setrlimit:
    case Special::prlimit64:
      return "limits of the program must not stop rec or its replay";
    case Special::ptrace:
      return "a task has one tracer only, which is rec: it answers in the kernel's place";
    case Special::wait4:
    case Special::waitid:
      return "rec tells of tasks that the caller traces";
    case Special::process_vm_writev:
      return "memory of another process: what it wrote there is an event of its own";
    case Special::io_setup:
    case Special::io_destroy:
      return "the program's view of a ring of completions, which stays empty, comes and goes";
    case Special::io_submit:
    case Special::io_events:
      return "what asynchronous reads filled is in the trace, with the call that found them complete";
    case Special::seccomp:
      return "a filter of the program's own";
    case Special::none:
      return {};
  }
  return {};
}

// Why a call, or a variant of one, is treated as it is.
template <class CallOrVariant>
std::string reason(const CallOrVariant& call) {
  std::string text;
  switch (call.replay) {
    case Replay::emulate:
      text = "not made at replay: result and memory come from the trace";
      if (call.special != Special::none) text += fmt::format("; {}", special_reason(call.special));
      break;
    case Replay::execute:
      text = "changes the address space only: made again at replay if it succeeded";
      break;
    case Replay::special:
      text = special_reason(call.special);
      break;
    case Replay::deny:
      return fmt::format("answered {} by rec: {}", error_name(call.deny_errno), call.note);
  }
  if (!call.modelled) text += "; what it writes is found by comparing memory";
  if (!call.note.empty()) text += fmt::format("; {}", call.note);
  return text;
}

std::string reason_of(const Syscall& call) {
  if (call.subsystem == Subsystem::unimplemented) return "Linux answers ENOSYS";
  return reason(call);
}

// strace's classes, without the sets that only group other classes.
std::vector<std::string_view> class_names(const Syscall& call) {
  static constexpr std::array<std::string_view, 10> names = {"desc", "file",    "memory", "process", "signal",
                                                             "ipc",  "network", "creds",  "clock",   "pure"};
  std::vector<std::string_view> found;
  for (const std::string_view name : names) {
    const auto wanted = syscalls::find_class(name);
    if (wanted && has_class(call.classes, *wanted)) found.push_back(name);
  }
  return found;
}

std::vector<const Variant*> variants_of(const Syscall& call) {
  std::vector<const Variant*> found;
  for (const Variant& variant : syscalls::all_variants()) {
    if (variant.nr == call.nr) found.push_back(&variant);
  }
  return found;
}

bool is_wanted(const SupportCommand& command, Replay policy) {
  return !command.policy || *command.policy == policy;
}

// The calls to show: those asked for by name; those of the policy, or with a variant of it.
std::vector<const Syscall*> chosen_calls(const SupportCommand& command) {
  std::vector<const Syscall*> chosen;
  for (const Syscall& call : syscalls::all()) {
    const bool named = command.calls.empty() || std::find(command.calls.begin(), command.calls.end(),
                                                          call.name) != command.calls.end();
    if (!named) continue;
    const auto variants = variants_of(call);
    const bool has_such = std::any_of(variants.begin(), variants.end(), [&](const Variant* variant) {
      return is_wanted(command, variant->replay);
    });
    if (is_wanted(command, call.replay) || has_such) chosen.push_back(&call);
  }
  return chosen;
}

std::string summary_line(const std::vector<const Syscall*>& calls) {
  std::map<std::string_view, int> by_policy;
  int unimplemented = 0;
  for (const Syscall* call : calls) {
    ++by_policy[policy_name(call->replay)];
    if (call->subsystem == Subsystem::unimplemented) ++unimplemented;
  }
  std::string text;
  for (const auto& [name, count] : by_policy) text += fmt::format(", {} {}", name, count);
  return fmt::format("{} calls{}; {} of them Linux itself answers with ENOSYS\n", calls.size(), text,
                     unimplemented);
}

std::string support_text(const SupportCommand& command) {
  using enum Columns::Align;
  const auto calls = chosen_calls(command);
  Columns table({right, left, left, left, left, left, left});
  table.add({"Nr", "Call", "Policy", "Subsystem", "Entry point", "Option", "Reason"});
  for (const Syscall* call : calls) {
    table.add({fmt::format("{}", call->nr), std::string(call->name), std::string(policy_name(call->replay)),
               std::string(syscalls::subsystem_name(call->subsystem)), std::string(call->entry),
               std::string(call->kconfig), reason_of(*call)});
    // Whoever names calls, or a policy that only some requests of a call have, wants to see them.
    if (!command.with_variants && command.calls.empty() && !command.policy) continue;
    for (const Variant* variant : variants_of(*call)) {
      if (!is_wanted(command, variant->replay)) continue;
      table.add({"", fmt::format("  {}", variant->name), std::string(policy_name(variant->replay)), "", "",
                 "", reason(*variant)});
    }
  }
  return table.text(output_width()) + summary_line(calls);
}

template <class CallOrVariant>
void put_policy(Json& json, const CallOrVariant& call, const std::string& why) {
  json.field("policy", policy_name(call.replay));
  if (call.replay == Replay::deny) json.field("errno", error_name(call.deny_errno));
  json.field("reason", why);
  json.field("modelled", call.modelled);
  json.field("blocks", call.blocks);
  json.key("arguments").open_array(Json::Layout::inline_);
  for (const syscalls::Arg& argument : call.arguments()) json.value(argument.name);
  json.close();
}

void put_call(Json& json, const Syscall& call, const SupportCommand& command) {
  json.open_object();
  json.field("nr", call.nr);
  json.field("call", call.name);
  json.field("subsystem", syscalls::subsystem_name(call.subsystem));
  if (!call.entry.empty()) json.field("entry", call.entry);
  if (!call.kconfig.empty()) json.field("kconfig", call.kconfig);
  json.key("classes").open_array(Json::Layout::inline_);
  for (const std::string_view name : class_names(call)) json.value(name);
  json.close();
  put_policy(json, call, reason_of(call));
  json.key("variants").open_array();
  for (const Variant* variant : variants_of(call)) {
    if (!is_wanted(command, variant->replay)) continue;
    json.open_object(Json::Layout::inline_);
    json.field("name", variant->name);
    json.field("selector", variant->selector);
    put_policy(json, *variant, reason(*variant));
    json.close();
  }
  json.close();
  json.close();
}

std::string support_json(const SupportCommand& command) {
  Json json;
  json.open_object();
  json.key("calls").open_array();
  for (const Syscall* call : chosen_calls(command)) put_call(json, *call, command);
  json.close();
  json.close();
  return json.text();
}

// A check of CLI11: empty when all is well.
std::string known_call(const std::string& name) {
  if (syscalls::find(name) != nullptr) return {};
  return fmt::format("x86-64 has no system call ‘{}’ (‘rec support’ lists all)", name);
}

}  // namespace

void add_support(CLI::App& app) {
  CLI::App* support = app.add_subcommand("support", "Show how each system call is recorded and replayed");
  const auto command = std::make_shared<SupportCommand>();
  support->add_option("call", command->calls, "Only these calls, with their variants")
      ->check(known_call)
      ->type_name("CALL");
  support->add_flag("--variants", command->with_variants,
                    "Also the requests of ioctl, the commands of fcntl, and their like");
  support->add_option("--policy", command->policy, "Only what is treated so")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Replay>{{"emulate", Replay::emulate},
                                                                        {"execute", Replay::execute},
                                                                        {"special", Replay::special},
                                                                        {"deny", Replay::deny}}))
      ->type_name("emulate|execute|special|deny");
  support->add_option("--format", command->as_json, "For people or for programs (json has everything)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"text", false}, {"json", true}}))
      ->type_name("text|json");
  support->callback(
      [command] { (void)write_output(command->as_json ? support_json(*command) : support_text(*command)); });
}

}  // namespace rec
