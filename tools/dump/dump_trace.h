// From a trace to text: what `rec dump` and `rec strace` do.
#pragma once

#include <string>

#include "tools/dump/options.h"

namespace rec::dump {

// Where lines go when the options name no file.
enum class Stream : std::uint8_t { standard_output, standard_error };

// Prints the trace `path`. Where it is damaged or breaks off, what comes before is printed; then throws
// Error, as it does for a file that cannot be written. Ends quietly when nobody reads any more.
void dump_trace(const std::string& path, const DumpOptions& options, Stream stream);

}  // namespace rec::dump
