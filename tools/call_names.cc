#include "tools/call_names.h"

#include <fmt/format.h>

#include <cstring>

#include "format/registers.h"
#include "format/syscalls/table.h"

namespace rec {

std::string call_name(std::int32_t nr) {
  const syscalls::Syscall* call = syscalls::find(nr);
  return call != nullptr ? std::string(call->name)
                         : fmt::format("syscall_{:#x}", static_cast<std::uint32_t>(nr));
}

std::string error_name(std::int32_t error) {
  if (const char* name = ::strerrorname_np(error); name != nullptr) return name;
  if (!is_restart_code(-error)) return fmt::format("{}", error);
  switch (RestartCode{-error}) {
    case RestartCode::restart_sys:
      return "ERESTARTSYS";
    case RestartCode::restart_no_intr:
      return "ERESTARTNOINTR";
    case RestartCode::restart_no_hand:
      return "ERESTARTNOHAND";
    case RestartCode::restart_restart_block:
      return "ERESTART_RESTARTBLOCK";
  }
  return {};
}

}  // namespace rec
