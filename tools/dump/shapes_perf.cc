// struct perf_event_attr: linux/perf_event.h.
#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "tools/dump/event_names.h"
#include "tools/dump/shape_list.h"

namespace rec::dump {
namespace {

// The single bits from the structure's word of bits, in order; precise_ip has two.
constexpr std::array<std::string_view, 37> bit_names = {"disabled",
                                                        "inherit",
                                                        "pinned",
                                                        "exclusive",
                                                        "exclude_user",
                                                        "exclude_kernel",
                                                        "exclude_hv",
                                                        "exclude_idle",
                                                        "mmap",
                                                        "comm",
                                                        "freq",
                                                        "inherit_stat",
                                                        "enable_on_exec",
                                                        "task",
                                                        "watermark",
                                                        "precise_ip",
                                                        "",
                                                        "mmap_data",
                                                        "sample_id_all",
                                                        "exclude_host",
                                                        "exclude_guest",
                                                        "exclude_callchain_kernel",
                                                        "exclude_callchain_user",
                                                        "mmap2",
                                                        "comm_exec",
                                                        "use_clockid",
                                                        "context_switch",
                                                        "write_backward",
                                                        "namespaces",
                                                        "ksymbol",
                                                        "bpf_event",
                                                        "aux_output",
                                                        "cgroup",
                                                        "text_poke",
                                                        "build_id",
                                                        "inherit_thread",
                                                        "remove_on_exec"};
constexpr unsigned sigtrap_bit = 37;
constexpr unsigned precise_bit = 15;
constexpr unsigned freq_bit = 10;
constexpr unsigned watermark_bit = 14;
constexpr unsigned clockid_bit = 25;

// What the program gave of the structure.
class Attributes {
 public:
  explicit Attributes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool has(std::size_t offset, std::size_t size) const {
    return offset + size <= bytes_.size();
  }
  [[nodiscard]] std::uint64_t number(std::size_t offset, std::size_t size) const {
    std::uint64_t value = 0;
    if (has(offset, size)) std::memcpy(&value, bytes_.data() + offset, size);
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
};
#define REC_ATTRIBUTE(attributes, field) \
  (attributes).number(offsetof(perf_event_attr, field), sizeof(perf_event_attr::field))

// What is counted, in the words of its type.
void put_config(Text& out, std::uint64_t type, std::uint64_t config) {
  switch (type) {
    case PERF_TYPE_HARDWARE:
      return put_from(out, perf_hardware, config);
    case PERF_TYPE_SOFTWARE:
      return put_from(out, perf_software, config);
    case PERF_TYPE_TRACEPOINT:
      return put_decimal(out, config);
    case PERF_TYPE_HW_CACHE:
      if (config >> 24 != 0) return put_hex(out, config);
      put_from(out, perf_cache_results, config >> 16);
      put(out, "<<16|");
      put_from(out, perf_cache_operations, config >> 8 & 0xff);
      put(out, "<<8|");
      return put_from(out, perf_caches, config & 0xff);
    default:
      return put_hex(out, config);
  }
}

void put_bits(Braces& fields, std::uint64_t bits, bool all) {
  constexpr std::array<std::string_view, 4> skids = {"arbitrary skid", "constant skid",
                                                     "requested to have 0 skid", "must have 0 skid"};
  for (unsigned i = 0; i < bit_names.size(); ++i) {
    if (i == precise_bit) {
      const std::uint64_t precise = bits >> precise_bit & 3;
      put_format(fields.field("precise_ip"), "{} /* {} */", precise, skids[precise]);
    } else if (!bit_names[i].empty() && (all || (bits >> i & 1) != 0)) {
      put_decimal(fields.field(bit_names[i]), bits >> i & 1);
    }
  }
  if (all || (bits >> sigtrap_bit & 1) != 0) put_decimal(fields.field("sigtrap"), bits >> sigtrap_bit & 1);
}

void put_number(Braces& fields, const Attributes& of, std::string_view name, std::size_t offset,
                std::size_t size, bool in_hex = false) {
  if (!of.has(offset, size)) return;
  Text& out = fields.field(name);
  const std::uint64_t value = of.number(offset, size);
  if (in_hex) {
    put_hex(out, value);
  } else {
    put_decimal(out, value);
  }
}
#define REC_NUMBER(name, in_hex) \
  put_number(fields, of, #name, offsetof(perf_event_attr, name), sizeof(perf_event_attr::name), in_hex)

// What only -v shows.
void put_rest(Braces& fields, const Attributes& of, std::uint64_t bits) {
  put_number(fields, of, (bits >> watermark_bit & 1) != 0 ? "wakeup_watermark" : "wakeup_events",
             offsetof(perf_event_attr, wakeup_events), sizeof(perf_event_attr::wakeup_events));
  if (REC_ATTRIBUTE(of, type) == PERF_TYPE_BREAKPOINT) {
    put_from(fields.field("bp_type"), perf_breakpoints, REC_ATTRIBUTE(of, bp_type));
    REC_NUMBER(bp_addr, true);
    REC_NUMBER(bp_len, false);
  } else {
    REC_NUMBER(config1, true);
    REC_NUMBER(config2, true);
  }
  const std::uint64_t samples = REC_ATTRIBUTE(of, sample_type);
  if ((samples & PERF_SAMPLE_BRANCH_STACK) != 0) REC_NUMBER(branch_sample_type, true);
  REC_NUMBER(sample_regs_user, true);
  if ((samples & PERF_SAMPLE_STACK_USER) != 0) REC_NUMBER(sample_stack_user, true);
  if ((bits >> clockid_bit & 1) != 0) REC_NUMBER(clockid, false);
  REC_NUMBER(sample_regs_intr, true);
  REC_NUMBER(aux_watermark, false);
  REC_NUMBER(sample_max_stack, false);
  REC_NUMBER(aux_sample_size, false);
  REC_NUMBER(sig_data, true);
}

}  // namespace

bool print_perf_event_attr(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  std::array<std::byte, 128> buffer{};  // PERF_ATTR_SIZE_VER7
  std::span<const std::byte> bytes = std::span(buffer).first(scope.memory.read_some(at, buffer));
  if (bytes.size() < PERF_ATTR_SIZE_VER0) return false;
  const std::uint64_t given = Attributes(bytes).number(offsetof(perf_event_attr, size), 4);
  // Size 0 means the first version (perf_event_open(2)).
  bytes = bytes.first(
      std::min<std::size_t>(bytes.size(), given < PERF_ATTR_SIZE_VER0 ? PERF_ATTR_SIZE_VER0 : given));
  const Attributes of(bytes);
  const std::uint64_t type = REC_ATTRIBUTE(of, type);
  const std::uint64_t bits = of.number(offsetof(perf_event_attr, read_format) + sizeof(std::uint64_t), 8);
  Braces fields(scope.out);
  put_from(fields.field("type"), perf_types, type);
  put_from(fields.field("size"), perf_attr_sizes, given);
  put_config(fields.field("config"), type, REC_ATTRIBUTE(of, config));
  put_decimal(fields.field((bits >> freq_bit & 1) != 0 ? "sample_freq" : "sample_period"),
              REC_ATTRIBUTE(of, sample_period));
  put_from(fields.field("sample_type"), perf_samples, REC_ATTRIBUTE(of, sample_type));
  put_from(fields.field("read_format"), perf_read_formats, REC_ATTRIBUTE(of, read_format));
  put_bits(fields, bits, !scope.out.abbreviates);
  if (scope.out.abbreviates) {
    fields.more();
  } else {
    put_rest(fields, of, bits);
  }
  return true;
}

#undef REC_ATTRIBUTE
#undef REC_NUMBER

}  // namespace rec::dump
