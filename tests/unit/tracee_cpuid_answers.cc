#include <cpuid.h>
#include <doctest/doctest.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstring>
#include <ctime>

#include "tracee/cpuid_answers.h"
#include "tracee/vdso.h"

namespace rec {
namespace {

// A leaf's own number and subleaf in the result, and 13 leaves.
CpuidResult ask(std::uint32_t leaf, std::uint32_t subleaf) {
  const std::uint32_t first = leaf & 0x80000000;
  if (leaf == first) return {first + 13, 1, 2, 3};
  return {leaf, leaf + 1, subleaf, ~leaf};
}

// The routine, made executable in this process.
class Routine {
 public:
  explicit Routine(const CpuidAnswers& answers) : size_(answers.code.size()) {
    at_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at_ != MAP_FAILED);
    std::memcpy(at_, answers.code.data(), size_);
    // Where the table has nothing: mov $0x77, %al instead of cpuid.
    auto* miss = static_cast<unsigned char*>(at_) + answers.miss;
    REQUIRE((miss[0] == 0x0f && miss[1] == 0xa2));
    miss[0] = 0xb0, miss[1] = 0x77;
    REQUIRE(::mprotect(at_, size_, PROT_READ | PROT_EXEC) == 0);
  }
  Routine(const Routine&) = delete;
  Routine& operator=(const Routine&) = delete;
  ~Routine() { ::munmap(at_, size_); }

  // As trampolines call it; *flags: before and after.
  [[nodiscard]] CpuidResult call(std::uint32_t leaf, std::uint32_t subleaf, std::uint64_t* flags) const {
    std::uint64_t a = leaf, b = 0, c = subleaf, d = 0, f = *flags;
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp\n push %[f]\n popfq\n call *%[at]\n pushfq\n pop %[f]\n lea 128(%%rsp), %%rsp"
        : "+a"(a), "=b"(b), "+c"(c), "=d"(d), [f] "+&r"(f)
        : [at] "r"(at_)
        : "cc", "memory");
    *flags = f;
    if ((a & 0x7f) != 0x77) CHECK((a >> 32 | b >> 32 | c >> 32 | d >> 32) == 0);
    return {static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(c),
            static_cast<std::uint32_t>(d)};
  }

 private:
  void* at_ = nullptr;
  std::size_t size_;
};

constexpr std::uint64_t carry_and_zero = 0x247;  // with IF and the bit that is always set, and parity

}  // namespace

TEST_CASE("the routine answers leaves as the table says, whatever ecx is where it does not matter") {
  const Routine routine(make_cpuid_answers(ask));
  std::uint64_t flags = carry_and_zero;
  CHECK(routine.call(1, 0xdeadbeef, &flags) == CpuidResult{1, 2, 0, ~1U});
  CHECK(routine.call(0x80000008, 5, &flags) == CpuidResult{0x80000008, 0x80000009, 0, 0x7ffffff7});
  CHECK(flags == carry_and_zero);
}

TEST_CASE("the routine tells subleaves apart where they matter") {
  const Routine routine(make_cpuid_answers(ask));
  std::uint64_t flags = carry_and_zero;
  CHECK(routine.call(7, 0, &flags) == CpuidResult{7, 8, 0, ~7U});
  CHECK(routine.call(7, 1, &flags) == CpuidResult{7, 8, 1, ~7U});
  CHECK(routine.call(4, 3, &flags) == CpuidResult{4, 5, 3, ~4U});
}

TEST_CASE(
    "what the table does not have reaches the cpuid of the routine's own, with leaf, subleaf and flags") {
  const Routine routine(make_cpuid_answers(ask));
  std::uint64_t flags = carry_and_zero;
  const CpuidResult unknown = routine.call(0x40000000, 9, &flags);
  CHECK(unknown[0] == 0x40000077);
  CHECK(unknown[2] == 9);
  CHECK(flags == carry_and_zero);
  CHECK(routine.call(7, 100, &flags)[0] == 0x77);
  CHECK(routine.call(0xffffffff, 1, &flags)[0] == 0xffffff77);
}

TEST_CASE("functions of the vDSO are found by their names") {
  if (::getauxval(AT_SYSINFO_EHDR) == 0) return;
  CHECK(vdso_function("__vdso_no_such_function") == 0);
  const std::uint64_t offset = vdso_function("__vdso_clock_gettime");
  REQUIRE(offset != 0);
  const auto function =
      reinterpret_cast<int (*)(clockid_t, timespec*)>(::getauxval(AT_SYSINFO_EHDR) + offset);
  timespec from_vdso{}, before{}, after{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  CHECK(function(CLOCK_MONOTONIC, &from_vdso) == 0);
  ::clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK(from_vdso.tv_sec >= before.tv_sec);
  CHECK(from_vdso.tv_sec <= after.tv_sec);
}

}  // namespace rec
