#include "tracee/state_save.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "format/base/error.h"
#include "format/base/remote_ptr.h"
#include "tracee/instruction.h"
#include "tracee/opcode_search.h"

namespace rec {
namespace {

constexpr std::uint32_t header_at = 512;  // in an XSAVE area: XSTATE_BV

// Bytes read one after the other; every mismatch ends the reading.
class Pattern {
 public:
  Pattern(std::span<const std::byte> bytes, std::uint64_t at) : bytes_(bytes), at_(at) {}

  template <std::size_t n>
  bool take(const std::array<unsigned, n>& expected) {
    if (bytes_.size() - at_ < n) return false;
    for (std::size_t i = 0; i < n; ++i) {
      if (std::to_integer<unsigned>(bytes_[at_ + i]) != expected[i]) return false;
    }
    at_ += n;
    return true;
  }
  std::optional<std::uint32_t> number() {
    std::uint32_t value = 0;
    if (bytes_.size() - at_ < sizeof value) return std::nullopt;
    std::memcpy(&value, &bytes_[at_], sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::optional<std::uint32_t> byte() {
    if (at_ >= bytes_.size()) return std::nullopt;
    return std::to_integer<std::uint32_t>(bytes_[at_++]);
  }
  [[nodiscard]] std::uint64_t at() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t at_;
};

constexpr std::array clearing{0x48U, 0x89U, 0x94U, 0x24U};

// mov $states,%eax ; xor %edx,%edx ; { mov %rdx,n(%rsp) } ; xsave n(%rsp)
std::optional<StateSave> match(std::span<const std::byte> code, std::uint64_t at) {
  constexpr std::uint32_t most_states = 1 << 20;
  Pattern pattern(code, at);
  StateSave save;
  if (!pattern.take(std::array{0xb8U})) return std::nullopt;
  const auto states = pattern.number();
  if (!states || *states == 0 || *states >= most_states || !pattern.take(std::array{0x31U, 0xd2U}))
    return std::nullopt;
  while (pattern.take(clearing)) {
    if (!pattern.number()) return std::nullopt;
  }
  save.at = pattern.at();
  std::optional<std::uint32_t> displacement;
  if (pattern.take(std::array{0x0fU, 0xaeU, 0x64U, 0x24U})) {
    displacement = pattern.byte();
    if (displacement && *displacement >= 0x80) return std::nullopt;  // below the stack pointer
  } else if (pattern.take(std::array{0x0fU, 0xaeU, 0xa4U, 0x24U})) {
    displacement = pattern.number();
  }
  if (!displacement || *displacement > page_size) return std::nullopt;
  save.states = *states;
  save.displacement = *displacement;
  save.length = static_cast<std::uint8_t>(pattern.at() - save.at);
  return save;
}

void put(std::vector<std::byte>& code, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) code.push_back(static_cast<std::byte>(byte));
}

void put_number(std::vector<std::byte>& code, std::uint64_t value) {
  for (unsigned i = 0; i < 4; ++i) code.push_back(static_cast<std::byte>(value >> (8 * i)));
}

}  // namespace

namespace {

// What leads to the xsave at `at`, by the clearing moves in front of it.
std::optional<StateSave> match_backwards(std::span<const std::byte> code, std::uint64_t at) {
  constexpr std::uint64_t clearing_move = 8;
  constexpr std::uint64_t beginning = 7;  // mov, xor
  std::uint64_t start = at;
  while (start >= clearing_move + beginning && Pattern(code, start - clearing_move).take(clearing))
    start -= clearing_move;
  auto save = start >= beginning ? match(code, start - beginning) : std::nullopt;
  return save && save->at == at ? save : std::nullopt;
}

}  // namespace

std::vector<StateSave> find_state_saves(std::span<const std::byte> file, std::uint64_t start,
                                        std::uint64_t end) {
  std::vector<StateSave> found;
  if (start >= end || end > file.size()) return found;
  const std::uint64_t page_end = std::min<std::uint64_t>(page_up(end), file.size());
  std::uint64_t room = (end + 15) & ~std::uint64_t{15};
  const auto code = file.subspan(start, end - start);
  for_two_byte_opcodes<0xae>(code, [&](std::size_t at) {  // xsave and its like
    auto save = match_backwards(code, at);
    if (!save) return true;
    if (room + state_save_room > page_end) return false;
    const auto free = file.subspan(room, state_save_room);
    if (std::any_of(free.begin(), free.end(), [](std::byte one) { return one != std::byte{0}; }))
      return false;
    save->at += start;
    save->room = room;
    room += state_save_room;
    found.push_back(*save);
    return true;
  });
  return found;
}

std::vector<std::byte> state_save_jump(const StateSave& save) {
  std::vector<std::byte> code;
  put(code, {0xe9});
  put_number(code, save.room - (save.at + jump_length));
  return code;
}

std::vector<std::byte> state_save_trampoline(const StateSave& save, std::uint64_t states) {
  std::vector<std::byte> code;
  put(code, {0xb8});  // mov $…,%eax
  put_number(code, save.states & states);
  put(code, {0x0f, 0xae, 0xa4, 0x24});  // xsave …(%rsp)
  put_number(code, save.displacement);
  put(code, {0x89, 0x84, 0x24});  // mov %eax,…(%rsp)
  put_number(code, save.displacement + header_at);
  put(code, {0xb8});
  put_number(code, save.states);
  put(code, {0xe9});
  put_number(code, save.at + save.length - (save.room + code.size() + 4));
  ENSURE(code.size() <= state_save_room, "a trampoline of {} bytes", code.size());
  return code;
}

}  // namespace rec
