// The calls whose text follows rules of its own, where the table's types are not enough: clone names its
// arguments, poll repeats its descriptors after the result, mknod has a device only for device files.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tools/dump/call.h"

namespace rec::dump {

struct CallForm {
  // All arguments at once; nullptr: one by one.
  void (*arguments)(const Writer& writer, const Call& call) = nullptr;
  // One argument; false: in the usual form.
  bool (*argument)(const Writer& writer, const Call& call, std::size_t index) = nullptr;
  // Whether the argument is left out.
  bool (*leaves_out)(const Call& call, std::size_t index) = nullptr;
  // After the result of a call that succeeded.
  void (*remark)(const Writer& writer, const Call& call) = nullptr;
};

[[nodiscard]] const CallForm& form_of_call(std::int32_t nr);

}  // namespace rec::dump
