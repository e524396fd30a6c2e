// Times and timers.
#include <sys/stat.h>
#include <sys/timex.h>

#include <array>

#include "tools/dump/shape_list.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;

// timespec and timeval differ in the name of the second word only.
struct Time {
  std::int64_t seconds;
  std::int64_t fraction;
};

constexpr std::string_view nanoseconds = "tv_nsec";
constexpr std::string_view microseconds = "tv_usec";

void put_time(Text& out, const Time& time, std::string_view fraction_name) {
  put(out, "{tv_sec=");
  put_decimal(out, time.seconds);
  put(out, ", ");
  put(out, fraction_name);
  put(out, '=');
  put_decimal(out, time.fraction);
  put(out, '}');
}

bool print_time(const Scope& scope, RemotePtr<> at, std::string_view fraction_name) {
  const auto time = load<Time>(scope, at);
  if (!time) return false;
  put_time(scope.out, *time, fraction_name);
  return true;
}

// A point in time, with its date beside it.
void put_moment(Text& out, const Time& time, std::string_view fraction_name, std::int64_t fraction_ns) {
  if (fraction_name == nanoseconds && time.fraction == UTIME_NOW) return put(out, "UTIME_NOW");
  if (fraction_name == nanoseconds && time.fraction == UTIME_OMIT) return put(out, "UTIME_OMIT");
  put_time(out, time, fraction_name);
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  if (time.fraction < 0 || time.fraction >= ns_per_s / fraction_ns)
    return;  // not a time: the kernel will refuse it
  put(out, " /* ");
  put_date(out, time.seconds, time.fraction * fraction_ns);
  put(out, " */");
}

bool print_moments(const Scope& scope, RemotePtr<> at, std::string_view fraction_name,
                   std::int64_t fraction_ns) {
  const auto times = load<std::array<Time, 2>>(scope, at);
  if (!times) return false;
  Braces list(scope.out, '[', ']');
  for (const Time& time : *times) put_moment(list.next(), time, fraction_name, fraction_ns);
  return true;
}

bool print_interval(const Scope& scope, RemotePtr<> at, std::string_view fraction_name) {
  const auto times = load<std::array<Time, 2>>(scope, at);
  if (!times) return false;
  Braces fields(scope.out);
  put_time(fields.field("it_interval"), (*times)[0], fraction_name);
  put_time(fields.field("it_value"), (*times)[1], fraction_name);
  return true;
}

}  // namespace

bool print_timespec(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  return print_time(scope, at, nanoseconds);
}
bool print_timeval(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  return print_time(scope, at, microseconds);
}
bool print_timespec_pair(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  return print_moments(scope, at, nanoseconds, 1);
}
bool print_timeval_pair(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  return print_moments(scope, at, microseconds, 1000);
}
bool print_itimerval(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  return print_interval(scope, at, microseconds);
}
bool print_itimerspec(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  return print_interval(scope, at, nanoseconds);
}

bool print_timezone(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto zone = load<std::array<std::int32_t, 2>>(scope, at);
  if (!zone) return false;
  put_format(scope.out, "{{tz_minuteswest={}, tz_dsttime={}}}", (*zone)[0], (*zone)[1]);
  return true;
}

bool print_utimbuf(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto times = load<std::array<std::int64_t, 2>>(scope, at);
  if (!times) return false;
  Braces fields(scope.out);
  constexpr std::array<std::string_view, 2> names = {"actime", "modtime"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    put_decimal(fields.field(names[i]), (*times)[i]);
    put(scope.out, " /* ");
    put_date(scope.out, (*times)[i], 0);
    put(scope.out, " */");
  }
  return true;
}

bool print_time_t(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto time = load<std::int64_t>(scope, at);
  if (!time) return false;
  put_decimal(scope.out, *time);
  put(scope.out, " /* ");
  put_date(scope.out, *time, 0);
  put(scope.out, " */");
  return true;
}

bool print_tms(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto times = load<std::array<std::int64_t, 4>>(scope, at);
  if (!times) return false;
  Braces fields(scope.out);
  put_ticks(fields.field("tms_utime"), (*times)[0]);
  put_ticks(fields.field("tms_stime"), (*times)[1]);
  put_ticks(fields.field("tms_cutime"), (*times)[2]);
  put_ticks(fields.field("tms_cstime"), (*times)[3]);
  return true;
}

bool print_timex(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto timex = load<struct ::timex>(scope, at);
  if (!timex) return false;
  Braces fields(scope.out);
  put_flags(fields.field("modes"), FlagSet::adjtimex_modes, timex->modes);
  put_decimal(fields.field("offset"), timex->offset);
  put_decimal(fields.field("freq"), timex->freq);
  put_decimal(fields.field("maxerror"), timex->maxerror);
  put_decimal(fields.field("esterror"), timex->esterror);
  put_flags(fields.field("status"), FlagSet::adjtimex_status, static_cast<std::uint32_t>(timex->status));
  put_decimal(fields.field("constant"), timex->constant);
  put_decimal(fields.field("precision"), timex->precision);
  put_decimal(fields.field("tolerance"), timex->tolerance);
  put_time(fields.field("time"), {timex->time.tv_sec, timex->time.tv_usec}, microseconds);
  put_decimal(fields.field("tick"), timex->tick);
  put_decimal(fields.field("ppsfreq"), timex->ppsfreq);
  put_decimal(fields.field("jitter"), timex->jitter);
  put_decimal(fields.field("shift"), timex->shift);
  put_decimal(fields.field("stabil"), timex->stabil);
  put_decimal(fields.field("jitcnt"), timex->jitcnt);
  put_decimal(fields.field("calcnt"), timex->calcnt);
  put_decimal(fields.field("errcnt"), timex->errcnt);
  put_decimal(fields.field("stbcnt"), timex->stbcnt);
  put_decimal(fields.field("tai"), timex->tai);
  return true;
}

}  // namespace rec::dump
