#include "tools/dump/errors.h"

#include <cstring>
#include <string_view>

#include "format/registers.h"

namespace rec::dump {
namespace {

std::string_view restart_text(RestartCode code) {
  switch (code) {
    case RestartCode::restart_sys:
      return "? ERESTARTSYS (To be restarted if SA_RESTART is set)";
    case RestartCode::restart_no_intr:
      return "? ERESTARTNOINTR (To be restarted)";
    case RestartCode::restart_no_hand:
      return "? ERESTARTNOHAND (To be restarted if no handler)";
    case RestartCode::restart_restart_block:
      return "? ERESTART_RESTARTBLOCK (Interrupted by signal)";
  }
  return {};
}

}  // namespace

void put_errno(Text& out, std::int64_t errno_value) {
  const char* name = ::strerrorname_np(static_cast<int>(errno_value));
  if (name == nullptr) return put_decimal(out, errno_value);
  put(out, name);
}

void put_error(Text& out, std::int64_t result) {
  if (is_restart_code(result)) return put(out, restart_text(RestartCode{result}));
  put(out, "-1 ");
  const char* name = ::strerrorname_np(static_cast<int>(-result));
  if (name == nullptr) return put_format(out, "(errno {})", -result);
  put(out, name);
  put(out, " (");
  put(out, ::strerrordesc_np(static_cast<int>(-result)));
  put(out, ')');
}

}  // namespace rec::dump
