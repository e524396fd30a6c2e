// failed_opens TRACE: which files the program looked for in vain, and how often.
#include <cerrno>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "format/reader.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    rec::Trace trace(argv[1]);
    std::map<std::string, int> missing;
    for (const rec::Event& event : trace.events({.calls = {"open", "openat"}})) {
      if (rec::error_of(event) != ENOENT) continue;
      ++missing[rec::text_argument(event, "pathname").value_or("?")];
    }
    for (const auto& [path, times] : missing) std::printf("%6d %s\n", times, path.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "failed_opens: %s\n", error.what());
    return 1;
  }
}
