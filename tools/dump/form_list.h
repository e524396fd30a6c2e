// The forms that forms.cc has in its table and that are in forms_system.cc: see CallForm for what they are.
#pragma once

#include <cstddef>

#include "tools/dump/call.h"

namespace rec::dump {

bool put_io_priority_argument(const Writer& writer, const Call& call, std::size_t index);
void put_io_priority_remark(const Writer& writer, const Call& call);
bool put_seccomp_argument(const Writer& writer, const Call& call, std::size_t index);
bool put_prctl_argument(const Writer& writer, const Call& call, std::size_t index);
bool put_policy_argument(const Writer& writer, const Call& call, std::size_t index);
bool leaves_out_processor(const Call& call, std::size_t index);  // membarrier
void put_membarrier_remark(const Writer& writer, const Call& call);
bool leaves_out_log_buffer(const Call& call, std::size_t index);  // syslog
bool put_log_action(const Writer& writer, const Call& call, std::size_t index);
bool put_module_image(const Writer& writer, const Call& call, std::size_t index);

}  // namespace rec::dump
