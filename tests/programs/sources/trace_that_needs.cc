// trace_that_needs FEATURE FILE: writes an (empty) trace whose program could see that feature of the
// processor.
#include <cstdio>

#include "format/base/error.h"
#include "format/trace_writer.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    rec::TraceHeader header;
    header.command = {"true"};
    header.cpu_baseline = "native";
    header.cpu_features = {"sse2", argv[1]};
    rec::TraceWriter writer(argv[2], header);
    writer.finish({});
  } catch (const rec::Error& error) {
    std::fprintf(stderr, "trace_that_needs: %s\n", error.what());
    return 1;
  }
  return 0;
}
