// The subcommands that work on a recorded trace only. Each function registers one with `app`; its callback
// does the work and throws Error when that fails.
#pragma once

#include <CLI/CLI.hpp>

namespace rec {

void add_dump(CLI::App& app);  // dump/
void add_ls(CLI::App& app);
void add_info(CLI::App& app);
void add_ps(CLI::App& app);
void add_coverage(CLI::App& app);  // coverage/
void add_stat(CLI::App& app);      // stat/
void add_lint(CLI::App& app);      // lint/
void add_support(CLI::App& app);   // the table of system calls; works on no trace
void add_pack(CLI::App& app);      // and unpack
void add_export(CLI::App& app);    // export/
// `*exit_status` becomes 1 when the recordings differ.
void add_diff(CLI::App& app, int* exit_status);  // diff/
// `*exit_status` becomes 1 when the trace is not sound.
void add_verify(CLI::App& app, int* exit_status);

}  // namespace rec
