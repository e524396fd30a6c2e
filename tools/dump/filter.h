// Which calls are printed: strace's -e trace=LIST.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rec::dump {

// LIST is names of calls, classes (%file, file), `all`, `none`, separated by commas; a leading ! means all
// but these. A name after a ? need not be one (scripts for several machines use that).
class CallFilter {
 public:
  CallFilter() = default;  // everything
  // Accepts "trace=LIST", "t=LIST" and a bare "LIST". Throws Error naming what it does not know.
  explicit CallFilter(std::string_view expression);

  [[nodiscard]] bool shows(std::int32_t nr) const {
    const auto index = static_cast<std::uint32_t>(nr);
    return (index < listed_.size() ? listed_[index] : unknown_listed_) != inverted_;
  }

 private:
  void add(std::string_view word);

  std::vector<bool> listed_;     // by number
  bool unknown_listed_ = false;  // the numbers that the table does not have
  bool inverted_ = true;         // shown are the calls that are not listed
};

}  // namespace rec::dump
