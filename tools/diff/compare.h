// Whether two events of corresponding tasks are the same, noise aside; and if not, in what they differ.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "format/event.h"
#include "tools/diff/noise.h"
#include "tools/kept_event.h"

namespace rec::diff {

// An event of one trace.
struct Item {
  explicit Item(const Event& of) : kept(of) {}
  [[nodiscard]] const Event& event() const { return kept.event(); }

  KeptEvent kept;
  // What it read comes from /proc, /sys or a random number generator: another run reads something else.
  bool is_volatile_source = false;
};

struct Difference {
  enum class Kind : std::uint8_t {
    call,      // another call, or something other than a call
    argument,  // what the program passed
    result,
    data,    // what the kernel gave back behind a pointer
    signal,  // another signal
    exit,    // the task ended in another way
    extra,   // one of the recordings goes on where the other has nothing
  };
  Kind kind = Kind::call;
  std::string name;  // of the argument
  std::string a;     // what is there, in part if it is long
  std::string b;
};
[[nodiscard]] const char* kind_name(Difference::Kind kind);

class Comparer {
 public:
  // Both are filled by whoever reads the traces, and outlive this.
  Comparer(const Numbering& a, const Numbering& b) : numbering_a_(a), numbering_b_(b) {}

  // nullopt: the same.
  [[nodiscard]] std::optional<Difference> compare(const Item& a, const Item& b, Names::Learning learning);
  // For looking ahead: nothing is learned from it.
  [[nodiscard]] bool match(const Item& a, const Item& b) { return !compare(a, b, Names::Learning::nothing); }

 private:
  struct Pair;
  [[nodiscard]] std::optional<Difference> compare_calls(const Pair& pair);
  [[nodiscard]] std::optional<Difference> compare_results(const Pair& pair) const;
  [[nodiscard]] std::optional<Difference> compare_arguments(const Pair& pair, bool given);
  [[nodiscard]] bool are_same_values(const Pair& pair, std::size_t index) const;
  [[nodiscard]] bool has_length_by_noise(const Pair& pair) const;
  [[nodiscard]] std::optional<Difference> compare_texts(const std::string& a, const std::string& b,
                                                        std::string name, const Pair& pair);
  [[nodiscard]] bool are_same_tasks(std::int64_t a, std::int64_t b) const;

  const Numbering& numbering_a_;
  const Numbering& numbering_b_;
  Names names_;
};

}  // namespace rec::diff
