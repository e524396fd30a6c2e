// The options that `rec dump` and `rec strace` have in common, most of them strace's.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tools/dump/options.h"

namespace rec::dump {

class CommandLine {
 public:
  // strace's own options. This object has to outlive the parsing.
  void add_strace_options(CLI::App& app);
  // What only a recording can offer: parts of it, JSON.
  void add_selection_options(CLI::App& app);

  // After parsing. Throws Error for values that make no sense.
  [[nodiscard]] DumpOptions options() const;
  [[nodiscard]] bool follows_forks() const { return forks_ > 0; }

 private:
  void add_output_options(CLI::App& app);
  void add_filter_options(CLI::App& app);
  void put_qualifier(DumpOptions& options, const std::string& expression) const;
  void put_quiet(DumpOptions& options) const;
  void put_forms(DumpOptions& options) const;
  void put_selection(DumpOptions& options) const;

  std::size_t string_limit_ = 32;
  std::size_t column_ = 40;
  int times_ = 0;  // how often -t was given
  int forks_ = 0;
  int hex_ = 0;
  int fds_ = 0;
  int quiet_ = 0;
  bool relative_ = false;
  bool durations_ = false;
  bool verbose_ = false;
  bool traps_ = false;
  bool successful_ = false;
  bool failed_ = false;
  std::string constants_;
  std::string decode_pids_;
  std::string output_;
  std::vector<std::string> qualifiers_;
  std::vector<std::string> paths_;

  std::string format_ = "text";
  std::string colour_ = "auto";
  std::string since_;
  std::string until_;
  std::string events_;
  std::string least_duration_;
  std::int32_t pid_ = 0;
  std::int32_t tid_ = 0;
};

}  // namespace rec::dump
