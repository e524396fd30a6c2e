#include "tracee/instruction_length.h"

#include <array>

namespace rec {
namespace {

// What follows an opcode (Intel SDM, volume 2, appendix A), by its row of sixteen, one letter each:
//   .  nothing                   m  ModRM byte               x  not here
//   b  8-bit immediate           B  ModRM, 8-bit immediate
//   w  16-bit immediate          z  32-bit immediate, 16-bit with an operand-size prefix (and no REX.W)
//   Z  ModRM, then as z          j  32-bit displacement of a jump
//   o  address, of 8 bytes       v  as z, but 64-bit with REX.W
//   e  enter: 16 bits and 8      g  group 3: ModRM, and an immediate with /0 and /1
constexpr std::array<const char*, 16> one_byte{
    "mmmmbzxxmmmmbzxx",  // 00: add, or; 0f is dealt with before
    "mmmmbzxxmmmmbzxx",  // 10: adc, sbb
    "mmmmbzxxmmmmbzxx",  // 20: and, sub
    "mmmmbzxxmmmmbzxx",  // 30: xor, cmp
    "xxxxxxxxxxxxxxxx",  // 40: REX
    "................",  // 50: push, pop
    "xxxmxxxxzZbB....",  // 60: movslq, push, imul, ins, outs
    "bbbbbbbbbbbbbbbb",  // 70: jcc
    "BZxBmmmmmmmmmmmx",  // 80: group 1, test, xchg, mov, lea; 8f may be XOP
    "..........x.....",  // 90: xchg, …
    "oooo....bz......",  // a0: mov, movs, test, stos, …
    "bbbbbbbbvvvvvvvv",  // b0: mov
    "BBw.xxBZe.w..bx.",  // c0: shifts, ret, mov, enter, leave, int
    "mmmmxxx.mmmmmmmm",  // d0: shifts, xlat, x87
    "bbbbbbbbjjxb....",  // e0: loop, in, out, call, jmp
    "x.xx..gg......mm",  // f0: group 3, flags, groups 4 and 5
};
constexpr std::array<const char*, 16> two_bytes{
    "mmmmx...x.x.xmxx",  // 00
    "mmmmmmmmmmmmmmmm",  // 10
    "xxxxxxxxmmmmmmmm",  // 20: not control registers, whose ModRM has no mod
    "......xxxxxxxxxx",  // 30
    "mmmmmmmmmmmmmmmm",  // 40: cmov
    "mmmmmmmmmmmmmmmm",  // 50
    "mmmmmmmmmmmmmmmm",  // 60
    "BBBBmmm.xxxxmmmm",  // 70
    "jjjjjjjjjjjjjjjj",  // 80: jcc
    "mmmmmmmmmmmmmmmm",  // 90: setcc
    "...mBmxx..xmBmmm",  // a0
    "mmmmmmmmmxBmmmmm",  // b0: not ud1, of which opinions differ
    "mmBmBBBm........",  // c0
    "mmmmmmmmmmmmmmmm",  // d0
    "mmmmmmmmmmmmmmmm",  // e0
    "mmmmmmmmmmmmmmmx",  // f0
};

// What is in front of the opcode.
struct Prefixes {
  std::uint64_t size = 0;
  bool operand_size = false;
  bool address_size = false;
  bool wide = false;  // REX.W
};

unsigned at(std::span<const std::byte> code, std::uint64_t i) {
  return i < code.size() ? std::to_integer<unsigned>(code[i]) : 0U;
}

Prefixes take_prefixes(std::span<const std::byte> code) {
  Prefixes found;
  for (;; ++found.size) {
    switch (at(code, found.size)) {
      case 0x66:
        found.operand_size = true;
        continue;
      case 0x67:
        found.address_size = true;
        continue;
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
      case 0x64:
      case 0x65:
      case 0xf0:
      case 0xf2:
      case 0xf3:
        continue;
      default:
        break;
    }
    break;
  }
  const unsigned rex = at(code, found.size);
  if ((rex & 0xf0) != 0x40) return found;
  found.wide = (rex & 8) != 0;
  ++found.size;
  return found;
}

// The ModRM byte at `i`, and what belongs to it: SIB byte and displacement (Intel SDM, volume 2, 2.1.5).
std::uint64_t operand_size(std::span<const std::byte> code, std::uint64_t i) {
  const unsigned mode = at(code, i) >> 6;
  const unsigned memory = at(code, i) & 7;
  if (mode == 3) return 1;
  const bool has_index = memory == 4;
  const unsigned base = has_index ? at(code, i + 1) & 7 : memory;
  const std::uint64_t size = has_index ? 2 : 1;
  if (mode == 1) return size + 1;
  return mode == 2 || base == 5 ? size + 4 : size;
}

// All that follows the opcode, which ends at `i`.
std::optional<std::uint64_t> size_behind(char what, std::span<const std::byte> code, std::uint64_t i,
                                         const Prefixes& prefixes) {
  const std::uint64_t number = prefixes.operand_size && !prefixes.wide ? 2 : 4;
  switch (what) {
    case '.':
      return 0;
    case 'm':
      return operand_size(code, i);
    case 'b':
      return 1;
    case 'B':
      return operand_size(code, i) + 1;
    case 'w':
      return 2;
    case 'z':
      return number;
    case 'Z':
      return operand_size(code, i) + number;
    case 'o':
      return prefixes.address_size ? 4 : 8;
    case 'v':
      return prefixes.wide ? 8 : number;
    case 'e':
      return 3;
    case 'j':  // with the prefix, Intel's processors and AMD's do not agree
      return prefixes.operand_size && !prefixes.wide ? std::nullopt : std::optional<std::uint64_t>(4);
    case 'g': {
      const bool has_number = (at(code, i) & 0x30) == 0;
      const bool is_byte = (at(code, i - 1) & 1) == 0;
      return operand_size(code, i) + (!has_number ? 0 : is_byte ? 1 : number);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> instruction_length(std::span<const std::byte> code) {
  constexpr std::uint64_t longest = 15;
  const Prefixes prefixes = take_prefixes(code);
  std::uint64_t end = prefixes.size;
  char what = 0;
  const unsigned first = at(code, end++);
  if (first != 0x0f) {
    what = one_byte[first >> 4][first & 15];
  } else {
    const unsigned second = at(code, end++);
    what = second == 0x38 ? 'm' : second == 0x3a ? 'B' : two_bytes[second >> 4][second & 15];
    if (second == 0x38 || second == 0x3a) ++end;
  }
  const auto behind = size_behind(what, code, end, prefixes);
  if (!behind || end + *behind > code.size() || end + *behind > longest) return std::nullopt;
  return end + *behind;
}

}  // namespace rec
